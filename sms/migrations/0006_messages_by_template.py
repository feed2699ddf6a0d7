"""Indexes for what became of a template's texts, for tests and for texts that were sent twice, built and dropped
while texts go on being promised. One that was broken off can be run again."""

import django.db.models.deletion
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("sms", "0005_tests")]

    operations = [
        migrations.RunSQL(
            [
                # A table of millions takes longer than a statement of ours usually may.
                "SET statement_timeout = 0",
                # What was broken off leaves an index that is of no use and in the way.
                "DROP INDEX CONCURRENTLY IF EXISTS message_doubled",
                "DROP INDEX CONCURRENTLY IF EXISTS message_by_template",
                "DROP INDEX CONCURRENTLY IF EXISTS message_tests",
            ],
            migrations.RunSQL.noop,
        ),
        AddIndexConcurrently(
            model_name="message",
            index=models.Index(
                condition=models.Q(("duplicate_detected", True)),
                fields=["-created_at"],
                name="message_doubled",
            ),
        ),
        AddIndexConcurrently(
            model_name="message",
            index=models.Index(
                condition=models.Q(("state__in", ["queued", "held", "submitting", "unconfirmed"]), _negated=True),
                fields=["template", "-created_at"],
                name="message_by_template",
            ),
        ),
        AddIndexConcurrently(
            model_name="message",
            index=models.Index(
                condition=models.Q(("tested_by", ""), _negated=True),
                fields=["tested_by", "-created_at"],
                name="message_tests",
            ),
        ),
        # Its own index was written with each text that is promised, for nothing but deleting templates. By hand:
        # Django would take the foreign key away, too, and look at all rows for putting it back.
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    "DROP INDEX CONCURRENTLY IF EXISTS sms_message_template_id_55059b84",
                    "CREATE INDEX CONCURRENTLY sms_message_template_id_55059b84 ON sms_message (template_id)",
                )
            ],
            state_operations=[
                migrations.AlterField(
                    model_name="message",
                    name="template",
                    field=models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="messages",
                        to="sms.smstemplate",
                    ),
                )
            ],
        ),
        # Undone, the slow ones come first.
        migrations.RunSQL("RESET statement_timeout", "SET statement_timeout = 0"),
    ]
