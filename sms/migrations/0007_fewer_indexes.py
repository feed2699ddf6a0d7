"""No index entry is written for a text that no carrier has yet. Built beside the old indexes, which then give way in
an instant: texts go on being promised and sent. One that was broken off can be run again."""

import django.db.models.deletion
from django.db import migrations, models

NARROWER = [
    # A table of millions takes longer than a statement of ours usually may.
    "SET statement_timeout = 0",
    "DROP INDEX CONCURRENTLY IF EXISTS message_sid_unique_new",
    "CREATE UNIQUE INDEX CONCURRENTLY message_sid_unique_new ON sms_message (account_sid, provider_sid) "
    "WHERE provider_sid IS NOT NULL",
    "DROP INDEX CONCURRENTLY IF EXISTS message_by_sid_new",
    "CREATE INDEX CONCURRENTLY message_by_sid_new ON sms_message (provider_sid) WHERE provider_sid IS NOT NULL",
    # One string, and so one transaction.
    "ALTER TABLE sms_message DROP CONSTRAINT IF EXISTS message_sid_unique;"
    "DROP INDEX IF EXISTS message_sid_unique, message_by_sid;"
    "ALTER INDEX message_sid_unique_new RENAME TO message_sid_unique;"
    "ALTER INDEX message_by_sid_new RENAME TO message_by_sid",
    # Django's own way would take the foreign key away, too, and look at all rows for putting it back.
    "DROP INDEX CONCURRENTLY IF EXISTS sms_message_profile_id_3274d708",
    "RESET statement_timeout",
]
AS_BEFORE = [
    "SET statement_timeout = 0",
    "CREATE INDEX CONCURRENTLY sms_message_profile_id_3274d708 ON sms_message (profile_id)",
    "CREATE UNIQUE INDEX CONCURRENTLY message_sid_unique_new ON sms_message (account_sid, provider_sid)",
    "CREATE INDEX CONCURRENTLY message_by_sid_new ON sms_message (provider_sid)",
    "DROP INDEX message_sid_unique, message_by_sid;"
    "ALTER TABLE sms_message ADD CONSTRAINT message_sid_unique UNIQUE USING INDEX message_sid_unique_new;"
    "ALTER INDEX message_by_sid_new RENAME TO message_by_sid",
    "RESET statement_timeout",
]


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("sms", "0006_messages_by_template")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(NARROWER, AS_BEFORE)],
            state_operations=[
                migrations.RemoveConstraint(model_name="message", name="message_sid_unique"),
                migrations.RemoveIndex(model_name="message", name="message_by_sid"),
                migrations.AlterField(
                    model_name="message",
                    name="profile",
                    field=models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="messages",
                        to="sms.userprofile",
                    ),
                ),
                migrations.AddIndex(
                    model_name="message",
                    index=models.Index(
                        condition=models.Q(("provider_sid__isnull", False)),
                        fields=["provider_sid"],
                        name="message_by_sid",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="message",
                    constraint=models.UniqueConstraint(
                        condition=models.Q(("provider_sid__isnull", False)),
                        fields=("account_sid", "provider_sid"),
                        name="message_sid_unique",
                    ),
                ),
            ],
        )
    ]
