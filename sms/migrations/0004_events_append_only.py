"""What happened stays as it was written: a step in the life of a text cannot be changed, by whatever program."""

from django.db import migrations

REFUSE = """
CREATE FUNCTION sms_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are never changed', TG_TABLE_NAME;
END $$;
CREATE TRIGGER append_only BEFORE UPDATE ON sms_messageevent
FOR EACH ROW EXECUTE FUNCTION sms_refuse_change();
"""
ALLOW = "DROP TRIGGER append_only ON sms_messageevent; DROP FUNCTION sms_refuse_change();"


class Migration(migrations.Migration):
    dependencies = [("sms", "0003_on_doubt")]

    operations = [migrations.RunSQL(REFUSE, ALLOW)]
