"""An environment for each file in requirements/: made once, and again when the file has changed."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

from tests.processes import ROOT

REQUIREMENTS = Path(__file__).parent / "requirements"
FOLDER = ROOT / ".data" / "vendors"


def program(environment: str, name: str) -> str:
    """A command that an environment brings with it."""
    return str(Path(python(environment)).with_name(name))


def python(name: str) -> str:
    """The interpreter of an environment, which is made if need be; "" is this one."""
    if not name:
        return sys.executable
    locked = REQUIREMENTS / f"{name}.txt"
    digest = hashlib.sha256(locked.read_bytes() + sys.version.encode()).hexdigest()
    folder, stamp = FOLDER / name, FOLDER / f"{name}.stamp"
    interpreter = folder / "bin" / "python"
    if not stamp.exists() or stamp.read_text() != digest:
        print(f"Making the environment “{name}” …", flush=True)
        FOLDER.mkdir(parents=True, exist_ok=True)
        _uv("venv", "--quiet", "--clear", "--python", sys.executable, str(folder))
        _uv("pip", "install", "--quiet", "--python", str(interpreter), "--require-hashes", "-r", str(locked))
        stamp.write_text(digest)
    return str(interpreter)


def versions(interpreter: str, libraries: tuple[str, ...]) -> str:
    """What is installed there of these."""
    script = (
        "import sys, importlib.metadata as m\nprint(*(f'{n} {m.version(n)}' for n in sys.argv[1:]), sep=', ')"
    )
    return subprocess.run(
        [interpreter, "-c", script, *libraries], check=True, text=True, stdout=subprocess.PIPE
    ).stdout.strip()


def _uv(*words: str) -> None:
    subprocess.run([sys.executable, "-m", "uv", *words], check=True)
