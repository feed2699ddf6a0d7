"""Whoever waits for what becomes of a text is woken as soon as something does, whatever moves it."""

from django.db import migrations, models

TELL = """
CREATE FUNCTION sms_tell_awaited() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('text_' || replace(NEW.id::text, '-', ''), '');
    RETURN NULL;
END $$;
CREATE TRIGGER tell_awaited AFTER UPDATE OF state ON sms_message FOR EACH ROW
WHEN (NEW.awaited_until > clock_timestamp() AND NEW.state NOT IN ('queued', 'submitting'))
EXECUTE FUNCTION sms_tell_awaited();
"""
SILENCE = "DROP TRIGGER tell_awaited ON sms_message; DROP FUNCTION sms_tell_awaited();"


class Migration(migrations.Migration):
    dependencies = [("sms", "0011_sharing_and_administering")]

    operations = [
        migrations.AddField("message", "awaited_until", models.DateTimeField(null=True, blank=True)),
        migrations.RunSQL(TELL, SILENCE),
    ]
