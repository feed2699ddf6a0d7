"""An installation of real processes, shared by the tests of this folder."""

from __future__ import annotations

import pytest

from tests.processes import Stack, request

SECRET = "mc_of_the_end_to_end_tests_and_nothing_else"

CONFIGURE = """
from django.contrib.auth import get_user_model
from builder.models import SmsAction, Topic
from campaigns.models import Brake, Campaign, Connection, ToolAttachment
from campaigns.safeguards.limits import LIMITS
from sms.models import Sender, SmsTemplate, UserProfile

ops = get_user_model().objects.create_superuser("ops", "", "ops")
UserProfile.objects.create(
    user=ops, twilio_account_sid="{sid}", twilio_auth_token="{token}", twilio_from="+13125550142"
)
template = SmsTemplate.objects.create(
    name="confirmation", description="After a booking.", body="Your table for {{{{ guests }}}}.", owner=ops
)
topic = Topic.objects.create(name="Booking", actions="Call {{{{confirmation}}}}.", owner=ops)
note = SmsAction.objects.create(name="note", description="On request.", provider="atlas", owner=ops)
unlimited = dict.fromkeys([*(rule.field for rule in LIMITS), "minutes_before_repeat"])
campaign = Campaign.objects.create(name="Booking line", owner=ops, **unlimited)
campaign.topics.add(topic)
# Hundreds of texts out of nothing are no mistake here.
Brake.objects.create(campaign=campaign, is_on=False)
ToolAttachment.objects.create(campaign=campaign, action=note)
connection = Connection(slug="line", campaign=campaign, name="Agent")
connection.issue_secret("{secret}")
connection.save()
for sid, address in (("{sid}", "+13125550142"), ("{atlas}", "+13125550100")):
    # Their usual rate is one a second.
    Sender.objects.create(account_sid=sid, address=address, messages_per_second=1000)
"""


class Line(Stack):
    """A stack with a campaign, a template, an action and a connection."""

    def configure(self) -> None:
        script = CONFIGURE.format(
            sid=self.account_sid, token=self.auth_token, atlas=self.atlas_sid, secret=SECRET
        )
        self.manage("shell", "--no-imports", script=script)

    def fire(self, call_id: str, tool: str = "confirmation", **parameters: str):
        """A tool call by HTTP; status and answer."""
        return request(
            f"{self.url}/c/line/tools/{tool}",
            "POST",
            {
                "callId": call_id,
                "customerPhoneNumber": "+14155550123",
                "parameters": {"consent": "Yes.", **parameters},
            },
            {"Authorization": f"Bearer {SECRET}"},
        )

    def state(self, message_id: str) -> str:
        [(state,)] = self.rows("SELECT state FROM sms_message WHERE id = %s", message_id)
        return state

    def states(self) -> dict[str, int]:
        return dict(self.rows("SELECT state, count(*) FROM sms_message GROUP BY state"))


@pytest.fixture(scope="package")
def line(tmp_path_factory):
    line = Line(tmp_path_factory.mktemp("line"), LEASE_SECONDS="4", LATE_BOUND_SECONDS="1")
    line.create()
    try:
        line.configure()
        line.carrier.start()
        line.start("web", "worker", "beat")
        yield line
    finally:
        line.stop()
        line.drop()
