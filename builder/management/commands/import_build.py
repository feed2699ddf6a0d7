"""What stands under Build, from a file."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError

from builder import exchange
from builder.exchange.document import MAX_BYTES, Notice, Unreadable
from builder.exchange.importing import carry_out
from builder.exchange.plan import Plan, Status, Step
from builder.models import Topic

REFUSED, USAGE, WARNED = 1, 2, 3
SIGNS = {Status.NEW: "+", Status.CHANGED: "~"}


class Command(BaseCommand):
    help = (
        "Import templates, topics and SMS actions from a file, all of it or nothing. Says what changes. Ends "
        f"with {REFUSED} if something in the file is wrong, with {USAGE} if it was called wrongly, and with "
        f"{WARNED} if there are warnings that nobody accepted; then nothing is imported."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", help="Midcall's YAML, PolyAI's YAML or CSV; - for the standard input.")
        parser.add_argument(
            "--dry-run", action="store_true", help="Say what would change, and change nothing."
        )
        parser.add_argument(
            "--owner",
            help="Who imports: what is new is theirs, and they must be allowed to. By default the only "
            "superuser.",
        )
        parser.add_argument("--accept-warnings", action="store_true", help="Import in spite of warnings.")

    def handle(self, *args: Any, **options: Any) -> None:
        owner = _owner(options["owner"])
        accepts = bool(options["accept_warnings"])
        try:
            document = exchange.read(_data(options["file"]))
            plan = carry_out(
                document,
                owner,
                admin.site.get_model_admin(Topic),  # type: ignore[arg-type]
                lambda plan: not options["dry_run"] and (accepts or not plan.warnings),
            )
        except Unreadable as error:
            self.stderr.write(f"{_at(options['file'], error.line)} error: {error}")
            raise SystemExit(REFUSED) from error
        self._tell(options["file"], plan)
        if plan.errors:
            raise SystemExit(REFUSED)
        if plan.warnings and not accepts:
            self.stderr.write("Nothing was imported: mend the file, or add --accept-warnings.")
            raise SystemExit(WARNED)

    def _tell(self, file: str, plan: Plan) -> None:
        for step in plan.steps:
            if step.status in SIGNS:
                self.stdout.write("\n".join(_lines(step)))
        for notice in (*plan.errors, *plan.warnings, *plan.notes):
            self.stderr.write(_said(file, notice))
        counted = f"{plan.new} new, {plan.changed} changed, {plan.unchanged} unchanged"
        if plan.errors:
            self.stdout.write(
                f"Nothing was imported: {len(plan.errors)} error{'s' * (len(plan.errors) > 1)}."
            )
        elif plan.is_applied:
            self.stdout.write(f"Imported: {counted}.")
        elif plan.changes_something:
            self.stdout.write(f"Nothing was imported; it would be: {counted}.")
        else:
            self.stdout.write(f"Nothing to import: {counted}.")


def _owner(name: str | None) -> Any:
    users = get_user_model().objects.filter(is_active=True)
    if name:
        owner = users.filter(username=name).first()
        if owner is None:
            raise CommandError(f"There is no active user “{name}”.", returncode=USAGE)
        return owner
    superusers = list(users.filter(is_superuser=True)[:2])
    if len(superusers) != 1:
        raise CommandError("Say who imports: --owner NAME. What is new will be theirs.", returncode=USAGE)
    return superusers[0]


def _data(file: str) -> bytes:
    if file == "-":
        return sys.stdin.buffer.read(MAX_BYTES + 1)
    try:
        with Path(file).open("rb") as opened:
            return opened.read(MAX_BYTES + 1)
    except OSError as error:
        raise CommandError(f"{file}: {error.strerror}.", returncode=USAGE) from error


def _lines(step: Step) -> list[str]:
    """A step as it is read in a terminal: what goes with -, what comes with +."""
    lines = [f"{SIGNS[step.status]} {step.kind} “{step.name}”"]
    if step.status is Status.CHANGED:
        for change in step.changes:
            lines.append(f"    {change.label}")
            lines += [f"    - {line}" for line in change.before.splitlines()]
            lines += [f"    + {line}" for line in change.after.splitlines()]
    return lines


def _at(file: str, line: int) -> str:
    return f"{file}:{line}:" if line else f"{file}:"


def _said(file: str, notice: Notice) -> str:
    about = f"{notice.about}: " if notice.about else ""
    return f"{_at(file, notice.line)} {notice.level}: {about}{notice.message}"
