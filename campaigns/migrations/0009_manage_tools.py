"""Who attached and detached what, from what is attached on; and which tools a runtime has got."""

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

REFUSE = """
CREATE TRIGGER append_only BEFORE UPDATE ON campaigns_toolchange
FOR EACH ROW EXECUTE FUNCTION sms_refuse_change();
"""
ALLOW = "DROP TRIGGER append_only ON campaigns_toolchange;"

# What was attached before there was a record of it.
BEGIN = """
INSERT INTO campaigns_toolchange (campaign_id, action_id, tool, owner, what, "by", at)
SELECT attachment.campaign_id, action.id, action.name, owner.username, 'attached',
    COALESCE(author.username, ''), attachment.attached_at
FROM campaigns_toolattachment attachment
JOIN builder_smsaction action ON action.id = attachment.action_id
JOIN auth_user owner ON owner.id = action.owner_id
LEFT JOIN auth_user author ON author.id = attachment.attached_by_id
ORDER BY attachment.attached_at, attachment.id;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("builder", "0004_wait_for_the_carrier"),
        ("campaigns", "0008_roles_and_sharing"),
        ("sms", "0004_events_append_only"),
    ]

    operations = [
        migrations.CreateModel(
            name="Fetched",
            fields=[
                (
                    "connection",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="fetched",
                        serialize=False,
                        to="campaigns.connection",
                    ),
                ),
                ("version", models.CharField(max_length=12)),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
        ),
        migrations.CreateModel(
            name="ToolChange",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                ("tool", models.CharField(max_length=64)),
                ("owner", models.CharField(max_length=150)),
                (
                    "what",
                    models.CharField(
                        choices=[("attached", "Attached"), ("detached", "Detached")], max_length=8
                    ),
                ),
                ("by", models.CharField(blank=True, max_length=150)),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "action",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="builder.smsaction",
                    ),
                ),
                (
                    "campaign",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="tool_changes",
                        to="campaigns.campaign",
                    ),
                ),
            ],
            options={
                "ordering": ["-at", "-id"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("what__in", ["attached", "detached"])), name="tool_change_known"
                    )
                ],
            },
        ),
        migrations.RunSQL(REFUSE, ALLOW),
        migrations.RunSQL(BEGIN, migrations.RunSQL.noop),
    ]
