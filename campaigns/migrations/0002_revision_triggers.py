"""The configuration's revision: whatever writes to one of these tables, the number changes with it.

Triggers, because forms are not the only writers: the shell, an import and a hand on the database count, too.
The number comes from a sequence, so that no state of the configuration ever gets another's.
"""

from django.db import migrations

TABLES = [
    "campaigns_campaign",
    "campaigns_campaign_topics",
    "campaigns_toolattachment",
    "builder_topic",
    "builder_smsaction",
    "sms_smstemplate",
    "sms_userprofile",
]

FUNCTION = """
CREATE SEQUENCE campaigns_revision_number;
CREATE FUNCTION campaigns_revise() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO campaigns_revision (id, number) VALUES (1, nextval('campaigns_revision_number'))
    ON CONFLICT (id) DO UPDATE SET number = EXCLUDED.number;
    RETURN NULL;
END $$;
"""
NO_FUNCTION = "DROP FUNCTION campaigns_revise(); DROP SEQUENCE campaigns_revision_number;"


def trigger(table: str) -> migrations.RunSQL:
    return migrations.RunSQL(
        f"CREATE TRIGGER revise AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION campaigns_revise()",
        f"DROP TRIGGER revise ON {table}",
    )


class Migration(migrations.Migration):
    dependencies = [
        ("builder", "0001_initial"),
        ("campaigns", "0001_initial"),
        ("sms", "0001_initial"),
    ]

    operations = [migrations.RunSQL(FUNCTION, NO_FUNCTION), *map(trigger, TABLES)]
