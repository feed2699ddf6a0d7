"""What was written since a moment is found by indexes of blocks, not of rows: each tool call wrote three of
these."""

import django.contrib.postgres.indexes
import django.db.models.deletion
from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models

OF_CAMPAIGN = "campaigns_consent_campaign_id_8ee91d8c"
SINCE = {
    "call": ("started_at", "call_since", "call_newest"),
    "toolcall": ("at", "tool_call_since", "tool_call_newest"),
    "consent": ("given_at", "consent_since", "consent_newest"),
}


class Migration(migrations.Migration):
    # Calls go on being answered.
    atomic = False

    dependencies = [("campaigns", "0023_purged_up_to_id")]

    operations = [
        migrations.RunSQL(
            [
                "SET statement_timeout = 0",
                # What was broken off leaves an index that is of no use and in the way.
                *(f"DROP INDEX CONCURRENTLY IF EXISTS {name}" for _, name, _ in SINCE.values()),
                "DROP INDEX CONCURRENTLY IF EXISTS consent_by_campaign",
            ],
            "RESET statement_timeout",
        ),
        AddIndexConcurrently("consent", models.Index(fields=["campaign", "-id"], name="consent_by_campaign")),
        migrations.RunSQL(
            f"DROP INDEX CONCURRENTLY IF EXISTS {OF_CAMPAIGN}",
            f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {OF_CAMPAIGN} ON campaigns_consent (campaign_id)",
            state_operations=[
                migrations.AlterField(
                    "consent",
                    "campaign",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="consents",
                        to="campaigns.campaign",
                    ),
                )
            ],
        ),
        *(
            AddIndexConcurrently(
                model,
                django.contrib.postgres.indexes.BrinIndex(fields=[moment], name=name, autosummarize=True),
            )
            for model, (moment, name, _) in SINCE.items()
        ),
        *(RemoveIndexConcurrently(model, newest) for model, (_, _, newest) in SINCE.items()),
        # Undone, the slow ones come first.
        migrations.RunSQL("RESET statement_timeout", "SET statement_timeout = 0"),
    ]
