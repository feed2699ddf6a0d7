"""The tool calls of an action, the newest first, in place of the index that had them in no order, and those of
templates, too: as many indexes are written with a tool call as before."""

import django.db.models.deletion
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

BY_ACTION = "campaigns_toolcall_action_id_b5a89bb4"


class Migration(migrations.Migration):
    # Calls go on being answered. Django's own way would take the foreign key away, too, and look at all rows
    # for putting it back.
    atomic = False

    dependencies = [("campaigns", "0009_manage_tools")]

    operations = [
        migrations.RunSQL(
            [
                "SET statement_timeout = 0",
                # What was broken off leaves an index that is of no use and in the way.
                "DROP INDEX CONCURRENTLY IF EXISTS tool_call_by_action",
            ],
            migrations.RunSQL.noop,
        ),
        AddIndexConcurrently(
            model_name="toolcall",
            index=models.Index(
                condition=models.Q(("action__isnull", False)),
                fields=["action", "-at"],
                name="tool_call_by_action",
            ),
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    f"DROP INDEX CONCURRENTLY IF EXISTS {BY_ACTION}",
                    f"CREATE INDEX CONCURRENTLY {BY_ACTION} ON campaigns_toolcall (action_id)",
                )
            ],
            state_operations=[
                migrations.AlterField(
                    model_name="toolcall",
                    name="action",
                    field=models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="tool_calls",
                        to="builder.smsaction",
                    ),
                )
            ],
        ),
        # Undone, the slow ones come first.
        migrations.RunSQL("RESET statement_timeout", "SET statement_timeout = 0"),
    ]
