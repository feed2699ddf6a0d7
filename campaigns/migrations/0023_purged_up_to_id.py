"""What has been erased is known by ids: a table is walked in their order, which needs no index by time."""

from django.db import migrations, models

# Up to the first that is younger: hosts' clocks differ, so an older one may come behind it.
UP_TO_ID = """
UPDATE campaigns_purged SET up_to_id = COALESCE(CASE kind
    WHEN 'tool calls' THEN COALESCE(
        (SELECT min(id) - 1 FROM campaigns_toolcall WHERE at >= up_to), (SELECT max(id) FROM campaigns_toolcall))
    WHEN 'calls' THEN COALESCE(
        (SELECT min(id) - 1 FROM campaigns_call WHERE started_at >= up_to), (SELECT max(id) FROM campaigns_call))
    WHEN 'consents' THEN COALESCE(
        (SELECT min(id) - 1 FROM campaigns_consent WHERE given_at >= up_to),
        (SELECT max(id) FROM campaigns_consent))
END, 0)
"""


class Migration(migrations.Migration):

    dependencies = [("campaigns", "0022_mail_again")]

    operations = [
        migrations.AlterModelOptions("call", {"ordering": ["-id"]}),
        migrations.AlterModelOptions("consent", {"ordering": ["-id"]}),
        migrations.AlterModelOptions("toolcall", {"ordering": ["-id"]}),
        migrations.AddField("purged", "up_to_id", models.BigIntegerField(default=0)),
        migrations.RunSQL(["SET LOCAL statement_timeout = 0", UP_TO_ID], migrations.RunSQL.noop),
        migrations.RemoveField("purged", "up_to"),
    ]
