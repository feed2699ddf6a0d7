"""Indexes for what became of a template's texts, and for tests. Texts go on being promised while they are built."""

import django.db.models.deletion
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("sms", "0005_tests")]

    operations = [
        # A table of millions takes longer than a statement of ours usually may.
        migrations.RunSQL("SET statement_timeout = 0", migrations.RunSQL.noop),
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
        # Its own index was written with each text that is promised, for nothing but deleting templates.
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
        ),
        migrations.RunSQL("RESET statement_timeout", migrations.RunSQL.noop),
    ]
