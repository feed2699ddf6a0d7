"""One index of SIDs where there were two: the constraint's, its SID in front, finds texts, too."""

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    # Texts go on being sent.
    atomic = False

    dependencies = [("sms", "0020_fewer_checks")]

    operations = [
        migrations.RunSQL(
            [
                "SET statement_timeout = 0",
                # The one of SIDs alone, or what was broken off.
                "DROP INDEX CONCURRENTLY IF EXISTS message_by_sid",
                "CREATE UNIQUE INDEX CONCURRENTLY message_by_sid ON sms_message (provider_sid, account_sid) "
                "WHERE provider_sid IS NOT NULL",
                "DROP INDEX CONCURRENTLY IF EXISTS message_sid_unique",
                "RESET statement_timeout",
            ],
            [
                "SET statement_timeout = 0",
                "DROP INDEX CONCURRENTLY IF EXISTS message_sid_unique",
                "CREATE UNIQUE INDEX CONCURRENTLY message_sid_unique ON sms_message (account_sid, provider_sid) "
                "WHERE provider_sid IS NOT NULL",
                "DROP INDEX CONCURRENTLY IF EXISTS message_by_sid",
                "CREATE INDEX CONCURRENTLY message_by_sid ON sms_message (provider_sid) "
                "WHERE provider_sid IS NOT NULL",
                "RESET statement_timeout",
            ],
            state_operations=[
                migrations.RemoveIndex("message", "message_by_sid"),
                migrations.RemoveConstraint("message", "message_sid_unique"),
                migrations.AddConstraint(
                    "message",
                    models.UniqueConstraint(
                        condition=Q(provider_sid__isnull=False),
                        fields=("provider_sid", "account_sid"),
                        name="message_by_sid",
                    ),
                ),
            ],
        ),
    ]
