"""The way back from pause_all."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from campaigns import switches
from campaigns.management.commands.pause_all import BY
from sms.models import Pause
from sms.models.pauses import EVERYTHING


class Command(BaseCommand):
    help = "End the pause of all texts. What is paused by itself, such as a campaign, stays so and is named."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--reason", default="", help="For whoever looks at it later.")

    def handle(self, *args: Any, **options: Any) -> None:
        found = Pause.objects.filter(scope=EVERYTHING, lifted_at=None).first()
        if found and switches.resume(found, BY, options["reason"]):
            self.stdout.write("Texts are sent again, with what has waited.")
        else:
            self.stdout.write("Not everything was paused, so nothing is changed.")
        for pause in Pause.standing():
            self.stdout.write(f"Still paused: {pause.words}")
