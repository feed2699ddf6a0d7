"""`make run` as a stranger sees it: the screen, the command to paste, the stop, and the second start."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading

import pytest

from tests.builder.test_environment import OURS, run
from tests.processes import ROOT, eventually, free_port, request
from tests.tools import path_of


class Run:
    """`make run`, without make, in a folder of its own."""

    def __init__(self, folder):
        self.ports = {"PORT": str(free_port()), "SIMULATOR_PORT": str(free_port())}
        inherited = {name: value for name, value in os.environ.items() if name not in OURS}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "builder.supervise"],
            cwd=ROOT,
            env={**inherited, **self.ports, "DATA_DIR": str(folder)},
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.lines: list[str] = []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        self.lines.extend(iter(self.process.stdout.readline, ""))

    @property
    def screen(self) -> str:
        return "".join(self.lines)

    def settle(self) -> str:
        eventually(lambda: "Ctrl-C" in self.screen or self.process.poll() is not None, 90)
        assert "did not settle" not in self.screen
        return self.screen

    def stop(self) -> None:
        os.kill(self.process.pid, signal.SIGINT)
        self.process.wait(60)


def paste(screen: str) -> str:
    path_of("curl", "curl")
    command = screen[screen.index("curl -s") : screen.index("  Logs")]
    return subprocess.run(
        ["sh", "-c", command], text=True, stdout=subprocess.PIPE, timeout=30, check=True
    ).stdout


def listening(port: str) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", int(port))) == 0


def test_the_first_run_the_first_text_and_the_second_run(tmp_path):
    first = Run(tmp_path)
    try:
        screen = first.settle()
        assert re.search(r"log in as  ops  with the password  \S{8,}", screen)

        answer = paste(screen)
        assert '"accepted"' in answer

        phone = f"http://127.0.0.1:{first.ports['SIMULATOR_PORT']}"
        eventually(
            lambda: [text["status"] for text in request(f"{phone}/simulator/texts")[1]] == ["delivered"]
        )
    finally:
        first.stop()
    assert first.process.returncode == 0
    assert not any(listening(port) for port in first.ports.values())

    second = Run(tmp_path)
    try:
        second.settle()
        phone = f"http://127.0.0.1:{second.ports['SIMULATOR_PORT']}"
        assert len(request(f"{phone}/simulator/texts")[1]) == 1

        twice = run("-m", "builder.supervise", DATABASE_URL=None, DATA_DIR=str(tmp_path))
        assert twice[0] == 1
        assert "runs already" in twice[1]
    finally:
        second.stop()


@pytest.mark.parametrize("name", ["PORT", "SIMULATOR_PORT"])
def test_a_port_that_is_taken_is_one_line(name, tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        code, said = run(
            "-m", "builder.supervise", DATABASE_URL=None, DATA_DIR=str(tmp_path), **{name: str(port)}
        )

    assert code == 1
    assert said.count("\n") == 1
    assert f"make run {name}=" in said


def test_a_port_that_is_none_is_one_line(tmp_path):
    code, said = run("-m", "builder.supervise", DATABASE_URL=None, DATA_DIR=str(tmp_path), PORT="http")

    assert (code, said) == (1, "PORT is not a port number: give a number from 1 to 65535, or unset it.\n")


def test_make_says_when_python_is_too_old_or_missing(tmp_path):
    old = tmp_path / "python3"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo "Python 3.9.2" && exit 0\nexit 1\n')
    old.chmod(0o755)

    def make(python: str) -> str:
        done = subprocess.run(
            ["make", "--no-print-directory", "-f", str(ROOT / "Makefile"), "run", f"PYTHON={python}"],
            cwd=tmp_path,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert done.returncode != 0
        return done.stdout

    (tmp_path / "requirements.txt").touch()
    assert make(str(old)).startswith("Python 3.9.2 is too old: Midcall needs 3.11 or newer.")
    assert make("python-that-is-not-there").startswith("Python 3.11 or newer is needed")
