"""The real processes that the libraries speak to, with a connection for each row."""

from __future__ import annotations

import json
from typing import Any

from tests.processes import Stack
from tests.vendors.rows import Row
from tests.vendors.scripts.runtime import COLUMNS, Site

TOOLS = ["confirmation", "get_sms_status", "note", "stop_texting"]

CONFIGURE = """
import json
from django.contrib.auth import get_user_model
from builder.models import SmsAction, Topic
from campaigns.models import Campaign, Connection, ToolAttachment
from sms.models import Sender, SmsTemplate, UserProfile, Variable

given = json.loads({given!r})
ops = get_user_model().objects.create_superuser("ops", "", "ops")
UserProfile.objects.create(
    user=ops,
    twilio_account_sid=given["sid"],
    twilio_auth_token=given["token"],
    twilio_from="+13125550142",
)
template = SmsTemplate.objects.create(
    name="confirmation",
    description="After a booking.",
    body="Your table for {{{{ guests }}}} {{{{ wish }}}}.",
    owner=ops,
)
Variable.objects.create(template=template, name="wish", is_required=False, default="is booked")
topic = Topic.objects.create(name="Booking", actions="Call {{{{confirmation}}}}.", owner=ops)
# All that a definition may hold: a recipient, and words of the agent's own.
note = SmsAction.objects.create(name="note", description="On request.", owner=ops, recipient="anyone")
campaign = Campaign.objects.create(name="Booking line", owner=ops)
campaign.topics.add(topic)
ToolAttachment.objects.create(campaign=campaign, action=note)
for each in given["connections"]:
    connection = Connection(
        slug=each["slug"],
        campaign=campaign,
        name=each["slug"],
        runtime=each["runtime"],
        signing=each["signing"],
    )
    if each["key"]:
        connection.signing_secret = each["key"]
    connection.issue_secret(each["secret"])
    connection.save()
Sender.objects.create(account_sid=given["sid"], address="+13125550142", messages_per_second=1000)
"""


class Line(Stack):
    """A campaign with a template and an action, and a connection for each row."""

    def configure(self, rows: list[Row]) -> None:
        given = {
            "sid": self.account_sid,
            "token": self.auth_token,
            "connections": [
                {
                    "slug": slug(row),
                    "runtime": row.runtime,
                    "signing": row.signing,
                    "key": row.stored_key,
                    "secret": secret(row),
                }
                for row in rows
            ],
        }
        self.manage("shell", "--no-imports", script=CONFIGURE.format(given=json.dumps(given)))

    def site(self, row: Row, number: int) -> Site:
        """What a row's script is told; `number` keeps its callers apart from those of the others."""
        address = f"{self.url}/c/{slug(row)}"
        return Site(row.script, address, secret(row), row.signing_key, TOOLS, callers(number))


def callers(number: int) -> dict[str, str]:
    """A caller for every column, so that no cap is in its way."""
    return {column: f"+1415555{2000 + 10 * number + at}" for at, column in enumerate(COLUMNS)}


def facts(stack: Stack, number: str) -> dict[str, Any]:
    """What became of a caller's tool calls: how they were decided, and which texts were delivered."""
    decided = stack.rows(
        "SELECT fired.outcome, fired.refusal FROM campaigns_toolcall AS fired"
        " JOIN campaigns_call AS call ON call.id = fired.call_id"
        " WHERE call.caller_number = %s ORDER BY fired.id",
        number,
    )
    calls = stack.rows("SELECT external_id FROM campaigns_call WHERE caller_number = %s", number)
    states = stack.rows("SELECT state FROM sms_message WHERE recipient = %s", number)
    held = [text["body"] for text in stack.carrier.texts() if text["to"] == number]
    return {
        "calls": len(calls),
        "decided": [refusal or outcome for outcome, refusal in decided],
        "states": [state for (state,) in states],
        "carrier": held,
    }


def slug(row: Row) -> str:
    """The connection's name in the URL."""
    return row.script.replace("_", "-")


def secret(row: Row) -> str:
    """The connection's own secret."""
    return f"mc_of_{row.script}_and_of_nothing_else"
