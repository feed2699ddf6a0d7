"""Runtimes' ways in are kept compiled, too: revoking one changes the configuration's revision."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0002_revision_triggers")]

    operations = [
        migrations.RunSQL(
            "CREATE TRIGGER revise AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON campaigns_connection "
            "FOR EACH STATEMENT EXECUTE FUNCTION campaigns_revise()",
            "DROP TRIGGER revise ON campaigns_connection",
        )
    ]
