"""What fills a template's placeholders, and its translations, are compiled, too: changing them is noticed."""

from django.db import migrations

TABLES = ["sms_variable", "sms_translation"]


def trigger(table: str) -> migrations.RunSQL:
    return migrations.RunSQL(
        f"CREATE TRIGGER revise AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION campaigns_revise()",
        f"DROP TRIGGER revise ON {table}",
    )


class Migration(migrations.Migration):
    dependencies = [
        ("campaigns", "0004_campaign_language"),
        ("sms", "0002_template_variables_and_languages"),
    ]

    operations = [*map(trigger, TABLES)]
