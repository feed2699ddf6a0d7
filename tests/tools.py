"""What pip cannot bring: installed where it may be (Debian, as root), and named in one line elsewhere."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from functools import cache

import pytest

# One installs at a time.
_installing = threading.Lock()


@cache
def _installed(program: str, package: str) -> bool:
    with _installing:
        if shutil.which(program):
            return True
        if os.geteuid() != 0 or not shutil.which("apt-get"):
            return False
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for words in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", package]):
            subprocess.run(
                ["apt-get", *words], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
    return shutil.which(program) is not None


def path_of(program: str, package: str) -> str:
    """Where a program is, installed first if need be; skips the test with the command to type if not."""
    if not _installed(program, package):
        pytest.skip(f"{program} is missing: sudo apt install {package}")
    return str(shutil.which(program))
