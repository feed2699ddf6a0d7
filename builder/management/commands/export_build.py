"""What stands under Build, as a file."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from builder.exchange.exporting import FORMATS, export


class Command(BaseCommand):
    help = (
        "Write what stands under Build to a file, the same to the byte while nothing changes. No credentials."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        listed = "; ".join(f"{each.name}: {each.title}" for each in FORMATS.values())
        parser.add_argument(
            "file", nargs="?", default="-", help="Where to; to the standard output if unnamed."
        )
        parser.add_argument("--format", choices=list(FORMATS), default="midcall", help=f"{listed}.")

    def handle(self, *args: Any, **options: Any) -> None:
        text = export(FORMATS[options["format"]])
        if options["file"] == "-":
            self.stdout.write(text, ending="")
            return
        try:
            Path(options["file"]).write_bytes(text.encode())
        except OSError as error:
            raise CommandError(f"{options['file']}: {error.strerror}.") from error
