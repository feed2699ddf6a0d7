"""The carrier's memory across restarts: a file that gets a line for everything that happens.

Each line is a JSON object with one key: `account`, `text` (a text as it was taken) or `change`
(what became of it). A line is in the kernel's hands before the event is answered, so a killed
process forgets nothing that it told anyone; it is not forced to the disk, so a power cut may.
"""

import fcntl
import json
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

FILE_NAME = "carrier.jsonl"
KEPT_TEXTS = 5_000

Record = Mapping[str, Any]


class Busy(RuntimeError):
    """Another process keeps its journal in the same directory."""


class Journal:
    """The journal in `directory`, which is made if need be. Raises Busy, or OSError."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.path = directory / FILE_NAME
        self._lock = os.open(directory, os.O_RDONLY)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as e:
            raise Busy(f"{directory} is in use by another simulated carrier") from e
        self._file: int | None = None

    def replay(self) -> tuple[list[Record], list[Record]]:
        """The accounts, and the newest KEPT_TEXTS texts, oldest first, as they were last known.

        Lines that are torn or make no sense are passed over: a process may be killed in the middle
        of one.
        """
        accounts: dict[str, Record] = {}
        texts: dict[str, dict[str, Any]] = {}
        if not self.path.exists():
            return [], []
        with self.path.open("rb") as lines:
            for line in lines:
                try:
                    ((kind, record),) = json.loads(line).items()
                    sid = record["sid"]
                    if kind == "account":
                        accounts[sid] = record
                    elif kind == "text":
                        texts[sid] = record
                    elif kind == "change" and sid in texts:
                        texts[sid].update(record)
                except (ValueError, TypeError, KeyError, AttributeError):
                    continue
                if len(texts) > KEPT_TEXTS:
                    texts.pop(next(iter(texts)))
        return list(accounts.values()), list(texts.values())

    def rewrite(self, accounts: Iterable[Record], texts: Iterable[Record]) -> None:
        """Starts the file again with only this in it; a crash leaves the old one or the new."""
        fresh = self.path.with_suffix(".new")
        # Auth tokens are in it: nobody else on this machine reads it.
        file = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
        with os.fdopen(os.dup(file), "wb") as lines:
            lines.writelines(_line("account", account) for account in accounts)
            lines.writelines(_line("text", text) for text in texts)
        os.replace(fresh, self.path)
        self._close_file()
        self._file = file

    def add(self, kind: str, record: Record) -> None:
        """Adds one line. A disk that takes no more is told of once, and the carrier goes on."""
        if self._file is None:
            return
        try:
            os.write(self._file, _line(kind, record))
        except OSError as e:
            print(f"{self.path}: {e.strerror}. Texts are kept in memory only.", file=sys.stderr)
            self._close_file()

    def close(self) -> None:
        self._close_file()
        os.close(self._lock)

    def _close_file(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None


def _line(kind: str, record: Record) -> bytes:
    return json.dumps({kind: record}, separators=(",", ":")).encode() + b"\n"
