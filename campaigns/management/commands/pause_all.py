"""The switch for 3 am: no text leaves, whoever asks for it."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from campaigns import switches
from sms.models import Message, Pause, State
from sms.models.pauses import EVERYTHING, MAX_REASON_CHARACTERS

BY = "the command line"


class Command(BaseCommand):
    help = "Pause all texts, those that wait too, until resume_all or an Admin resumes them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--reason", required=True, help="Everybody reads it on top of every page.")

    def handle(self, *args: Any, **options: Any) -> None:
        reason = str(options["reason"]).strip()
        if not 0 < len(reason) <= MAX_REASON_CHARACTERS:
            raise CommandError(f"Give a --reason of 1 to {MAX_REASON_CHARACTERS} characters.")
        if switches.pause(None, reason, BY):
            waiting = Message.objects.filter(state__in=[State.QUEUED, State.HELD]).count()
            self.stdout.write(
                f"All texts are paused; {waiting} wait. Let them go on with: manage.py resume_all"
            )
        else:
            since = Pause.objects.get(scope=EVERYTHING, lifted_at=None)
            self.stdout.write(f"Nothing is changed. {since.words} (since {since.since:%Y-%m-%d %H:%M} UTC)")
