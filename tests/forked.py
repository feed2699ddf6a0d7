"""`manage.py` in a process that is as good as fresh: forked from one that has only imported libraries.

What a process reads of its environment it reads after the fork: the one that it comes from has no settings,
nothing of ours, and no connection to anything.
"""

from __future__ import annotations

import multiprocessing
import os
import runpy
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# What takes most of a start, and looks at no settings.
LIBRARIES = [
    "aiohttp", "celery", "cryptography.fernet", "django.core.management", "django.db.models", "django.forms",
    "environ", "mcp", "mcp.server", "phonenumbers", "psycopg", "pydantic", "twilio.rest", "yaml",
]  # fmt: skip

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(LIBRARIES)


def manage(words: tuple[str, ...], environment: dict[str, str], said: Path) -> int:
    """Run `manage.py` with exactly that environment, and all that it says in a file; its exit code."""
    process = _context.Process(target=_manage, args=(words, environment, said))
    process.start()
    process.join(60)
    if process.exitcode is None:
        process.kill()
        process.join()
    assert process.exitcode is not None
    return process.exitcode


def _manage(words: tuple[str, ...], environment: dict[str, str], said: Path) -> None:
    with said.open("wb") as file:
        for descriptor in (1, 2):
            os.dup2(file.fileno(), descriptor)
    read = [name for name in sys.modules if name.partition(".")[0] in ("builder", "campaigns", "sms")]
    assert not read, read
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["manage.py", *words]
    runpy.run_path(str(ROOT / "manage.py"), run_name="__main__")
