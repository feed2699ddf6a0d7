"""Two indexes that the constraints beside them make needless: written with each tool call, asked by nobody."""

import django.db.models.deletion
from django.db import migrations, models

CALL, TOOL_CALL = "campaigns_call_connection_id_c9dd9d95", "campaigns_toolcall_call_id_dea68e15"


class Migration(migrations.Migration):
    # Calls go on being answered. Django's own way would take the foreign keys away, too, and look at all rows
    # for putting them back.
    atomic = False

    dependencies = [("campaigns", "0005_revision_of_wording")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    [
                        "SET statement_timeout = 0",
                        f"DROP INDEX CONCURRENTLY IF EXISTS {CALL}",
                        f"DROP INDEX CONCURRENTLY IF EXISTS {TOOL_CALL}",
                        "RESET statement_timeout",
                    ],
                    [
                        "SET statement_timeout = 0",
                        f"CREATE INDEX CONCURRENTLY {CALL} ON campaigns_call (connection_id)",
                        f"CREATE INDEX CONCURRENTLY {TOOL_CALL} ON campaigns_toolcall (call_id)",
                        "RESET statement_timeout",
                    ],
                )
            ],
            state_operations=[
                migrations.AlterField(
                    model_name="call",
                    name="connection",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="calls",
                        to="campaigns.connection",
                    ),
                ),
                migrations.AlterField(
                    model_name="toolcall",
                    name="call",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="tool_calls",
                        to="campaigns.call",
                    ),
                ),
            ],
        )
    ]
