"""What was before the columns of 0015 and 0017. Whoever opted out has withdrawn what they agreed to; whom a running
campaign texts, it goes on texting: its page shows the countries, for somebody to judge. After the columns and not with
them, so that no lock on calls, consents and campaigns is held while a million rows are looked through."""

from django.db import migrations

WITHDRAWN_SO_FAR = """
UPDATE campaigns_consent AS consent SET withdrawn_at = opted.created_at, withdrawn_by = opted.source
FROM sms_optout AS opted
WHERE opted.recipient = consent.recipient AND opted.created_at >= consent.given_at
  AND consent.withdrawn_at IS NULL
"""
TEXTED_ALREADY = """
UPDATE campaigns_campaign campaign SET other_countries = texted.countries
FROM (
    SELECT connection.campaign_id, array_agg(DISTINCT message.country ORDER BY message.country) AS countries
    FROM sms_message message
    JOIN campaigns_toolcall fired ON fired.message_id = message.id
    JOIN campaigns_call call ON call.id = fired.call_id
    JOIN campaigns_connection connection ON connection.id = call.connection_id
    JOIN campaigns_campaign own ON own.id = connection.campaign_id
    WHERE message.country NOT IN ('', own.country)
    GROUP BY connection.campaign_id
) texted
WHERE texted.campaign_id = campaign.id
"""


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0018_tool_calls_by_recipient")]

    operations = [
        migrations.RunSQL(
            ["SET LOCAL statement_timeout = 0", WITHDRAWN_SO_FAR, TEXTED_ALREADY],
            migrations.RunSQL.noop,
        ),
    ]
