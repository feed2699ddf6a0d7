"""A restaurant's booking line, for a first look: what a person understands at once."""

from __future__ import annotations

import os
from typing import Any

import pghistory
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from builder.models import SmsAction, Topic
from campaigns.models import Campaign, Connection, ToolAttachment
from sms.models import ProviderName, SmsTemplate, UserProfile, Variable
from sms.roles import Role

USERNAME = "ops"
# One of each role, beside the superuser.
ROLES = {"viewer": Role.VIEWER, "writer": Role.OPS, "admin": Role.ADMIN}
CONNECTION_SLUG = "demo"
# Numbers with 555-01xx are kept for fiction (North American Numbering Plan).
RESTAURANT_NUMBER = "+13125550142"
# What the agent fills into the confirmation.
FILLED_IN = {
    "guests": "How many people the table is for, such as four",
    "day": "The day that was agreed, such as Friday",
    "time": "The time that was agreed, such as 7 pm",
}


class Command(BaseCommand):
    help = "Migrate, and make the demo: a log-in, templates, topics, an action, a campaign, a connection."
    # They load every page; whoever waits for the first screen has them run by what is started next.
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError("The demo is for an installation without DATABASE_URL.")
        call_command("migrate", verbosity=0, skip_checks=True)
        with pghistory.context(command="demo"), transaction.atomic():
            made = _make()
        self.stdout.write("The demo is made." if made else "The demo was made before.")


def _make() -> bool:
    users = get_user_model().objects
    if users.filter(username=USERNAME).exists():
        return False
    password = os.environ["DEMO_PASSWORD"]
    ops = users.create_superuser(USERNAME, email="", password=password, first_name="Olive")
    for username, role in ROLES.items():
        user = users.create_user(username, password=password, is_staff=True)
        user.groups.add(Group.objects.get(name=role))
    UserProfile.objects.create(
        user=ops,
        twilio_account_sid=os.environ["DEMO_ACCOUNT_SID"],
        twilio_auth_token=os.environ["DEMO_AUTH_TOKEN"],
        twilio_from=RESTAURANT_NUMBER,
    )
    confirmation = SmsTemplate.objects.create(
        name="booking_confirmation",
        description="Use this to send a booking confirmation after the caller has agreed to a day and a "
        "time.",
        body="Olive & Thyme: your table for {{ guests }} is booked for {{ day }} at {{ time }}. "
        "To change it, call us on (312) 555-0142.",
        owner=ops,
    )
    Variable.objects.bulk_create(
        Variable(template=confirmation, name=name, description=description)
        for name, description in FILLED_IN.items()
    )
    directions = SmsTemplate.objects.create(
        name="directions",
        description="Use this when the caller asks how to get to the restaurant.",
        body="Olive & Thyme, 48 Mill Lane. From Union Station, 6 minutes on foot along Canal St. "
        "Parking is behind the house.",
        owner=ops,
    )
    booking = Topic.objects.create(
        name="Booking a table",
        questions=[
            "Can I book a table for tonight?",
            "Do you have space for six on Saturday?",
            "I'd like to reserve a table.",
        ],
        content="We are open from Tuesday to Sunday, noon to 11 pm. Tables are kept for 15 minutes. For "
        "more than eight guests, take a number and promise a call back.",
        actions="Once a day, a time and the number of guests are agreed, offer to text the caller a "
        f"confirmation. If they agree, call {{{{{confirmation.name}}}}}. If they decline, carry on.",
        owner=ops,
    )
    finding_us = Topic.objects.create(
        name="Finding us",
        questions=["Where are you?", "Is there parking?", "How do I get there by train?"],
        content="48 Mill Lane, six minutes on foot from Union Station. Parking behind the house is free.",
        actions=f"Offer to text the caller the directions. If they agree, call {{{{{directions.name}}}}}.",
        owner=ops,
    )
    note = SmsAction.objects.create(
        name="text_the_caller",
        description="Use this when the caller asks for something in writing that no other text covers, "
        "such as a dish or a price. Keep it to what was said in the call.",
        owner=ops,
        provider=ProviderName.ATLAS,
    )
    campaign = Campaign.objects.create(
        name="Olive & Thyme booking line",
        instructions="You answer the phone of the restaurant Olive & Thyme. You are warm and brief, and you "
        "never make up a free table. Before you text anyone, you ask whether you may.",
        country="US",
        owner=ops,
    )
    campaign.topics.set([booking, finding_us])
    ToolAttachment.attach(campaign, [note], ops)
    connection = Connection(
        slug=CONNECTION_SLUG, campaign=campaign, name="The demo's voice agent", created_by=ops
    )
    connection.issue_secret(os.environ["DEMO_CONNECTION_SECRET"])
    connection.save()
    return True
