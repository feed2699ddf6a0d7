"""A new encryption key, for all that is stored."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from collections.abc import Iterable
from typing import Any

from django.core.management.base import BaseCommand

from sms import envelope, rotation
from sms.rotation import Column, Progress

UNREADABLE, LEFT = 1, 2
# A run of a hundred thousand rows is some ten lines.
SAY_EVERY_SECONDS = 2
NAMED_ROWS = 100


class Command(BaseCommand):
    help = (
        "Encrypt every stored secret with the first key of FIELD_ENCRYPTION_KEY, while the system runs. May "
        f"be broken off and begun again. Ends with {UNREADABLE} if secrets cannot be read (they stay as they "
        f"are), and with {LEFT} if some were stored with an old key meanwhile."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="Count by key, read every secret to see that it can be, and change nothing.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        columns = rotation.columns()
        for column in columns:
            self._count(column)
        work = rotation.read_all if options["dry_run"] else rotation.rotate
        verb = "read" if options["dry_run"] else "stored with the first key"
        unreadable = 0
        for column in columns:
            last = self._follow(work(column), verb)
            if last:
                unreadable += len(last.unreadable)
                self._tell(last, verb)
        if unreadable:
            self.stderr.write(
                f"{_secrets(unreadable)} cannot be read, and stay as they are: put the missing key back into "
                "FIELD_ENCRYPTION_KEY, behind the first one, and run this again; or enter them anew."
            )
            raise SystemExit(UNREADABLE)
        self._conclude(columns, options["dry_run"])

    def _count(self, column: Column) -> None:
        keys = envelope.key_ids()
        per_key = column.per_key()
        self.stdout.write(f"{column}: {_secrets(sum(per_key.values()))}")
        for position, key in enumerate(keys, 1):
            which = "the first, which encrypts" if position == 1 else f"number {position}"
            self.stdout.write(f"    key {key} ({which}): {per_key.pop(key, 0):,}")
        before = per_key.pop("", 0)
        if before:
            self.stdout.write(f"    stored by an earlier version, which did not note the key: {before:,}")
        for key, count in per_key.items():
            self.stdout.write(f"    key {key} (NOT in FIELD_ENCRYPTION_KEY): {count:,}")

    def _follow(self, work: Iterable[Progress], verb: str) -> Progress | None:
        began = said = time.monotonic()
        last = None
        for last in work:
            now = time.monotonic()
            if now - said >= SAY_EVERY_SECONDS:
                said = now
                rate = last.looked_at / (now - began)
                left = max(0, last.todo - last.looked_at) / rate
                self.stdout.write(
                    f"{last.column}: {last.looked_at:,} of {last.todo:,} {verb}, {rate:,.0f} a second, "
                    f"{left:,.0f} s left"
                )
                self.stdout.flush()
        return last

    def _tell(self, progress: Progress, verb: str) -> None:
        self.stdout.write(f"{progress.column}: {progress.done:,} {verb}")
        if progress.overtaken:
            self.stdout.write(
                f"    {progress.overtaken:,} were entered anew or removed meanwhile, which stands"
            )
        if progress.unreadable:
            self.stderr.write(
                f"{progress.column}: {_secrets(len(progress.unreadable))} cannot be read, of the rows with "
                f"{progress.column.model._meta.pk.name} {_named(progress.unreadable)}. The first: "
                f"{next(iter(progress.unreadable.values()))}"
            )

    def _conclude(self, columns: list[Column], is_dry_run: bool) -> None:
        left = sum(
            count
            for column in columns
            for key, count in column.per_key().items()
            if key != envelope.first_key_id()
        )
        if is_dry_run:
            self.stdout.write(
                f"All can be read. {_secrets(left)} would be stored with the first key; nothing was changed."
            )
        elif left:
            self.stderr.write(
                f"{_secrets(left)} were stored with an old key meanwhile: restart all web and worker "
                "processes with the new FIELD_ENCRYPTION_KEY, and run this again."
            )
            raise SystemExit(LEFT)
        elif len(envelope.key_ids()) > 1:
            self.stdout.write(
                "All stand with the first key. The others may be removed from FIELD_ENCRYPTION_KEY; keep "
                "them with the backups that were made until now."
            )
        else:
            self.stdout.write("All stand with the first key.")


def _secrets(count: int) -> str:
    return f"{count:,} secret{'' if count == 1 else 's'}"


def _named(rows: Iterable[object]) -> str:
    ids: list[object] = list(rows)
    named = ", ".join(str(pk) for pk in ids[:NAMED_ROWS])
    more = len(ids) - NAMED_ROWS
    return f"{named} and {more:,} more" if more > 0 else named
