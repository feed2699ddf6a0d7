"""Whom agents were told to text, so that what is known of a number is found."""

import django.db.models.fields.json
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # Calls go on being answered.
    atomic = False

    dependencies = [("campaigns", "0017_people")]

    operations = [
        migrations.RunSQL(
            [
                "SET statement_timeout = 0",
                # What was broken off leaves an index that is of no use and in the way.
                "DROP INDEX CONCURRENTLY IF EXISTS tool_call_by_recipient",
            ],
            migrations.RunSQL.noop,
        ),
        AddIndexConcurrently(
            model_name="toolcall",
            index=models.Index(
                django.db.models.fields.json.KeyTextTransform("to", "parameters"),
                condition=models.Q(("parameters__has_key", "to")),
                name="tool_call_by_recipient",
            ),
        ),
        # Undone, the slow one comes first.
        migrations.RunSQL("RESET statement_timeout", "SET statement_timeout = 0"),
    ]
