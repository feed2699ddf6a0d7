"""The house rule: which package may import which."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MAY_IMPORT = {
    "sms": {"sms"},
    "builder": {"builder", "sms"},
    "campaigns": {"campaigns", "builder", "sms"},
}
# The roof names the others by string only.
ROOF = {
    "settings.py",
    "urls.py",
    "celery.py",
    "wsgi.py",
    "navigation.py",
    "embedded.py",
    "supervise.py",
}
OURS = set(MAY_IMPORT)


def imported(source: str) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.add((node.module or "").split(".")[0])
    return found & OURS


def files() -> list[Path]:
    return [file for package in MAY_IMPORT for file in sorted((ROOT / package).rglob("*.py"))]


@pytest.mark.parametrize("file", files(), ids=lambda file: str(file.relative_to(ROOT)))
def test_a_room_imports_only_what_lies_below_it(file):
    package = file.relative_to(ROOT).parts[0]
    allowed = {"builder"} if package == "builder" and file.name in ROOF else MAY_IMPORT[package]

    assert imported(file.read_text()) <= allowed


def test_the_rule_sees_an_import_wherever_it_stands():
    assert imported("def f():\n    from campaigns.models import Call") == {"campaigns"}


def test_nothing_stands_at_the_top_that_was_not_agreed():
    agreed = {
        "manage.py", "pyproject.toml", "README.md", "Makefile", "requirements.txt",
        "requirements-dev.txt", "builder", "sms", "campaigns", "templates", "tests",
    }  # fmt: skip

    assert {path.name for path in ROOT.iterdir() if not path.name.startswith(".")} <= agreed
