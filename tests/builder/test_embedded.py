"""The embedded PostgreSQL is set up as this version wants it, whichever version has made its folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from builder import embedded
from tests.faults.services import new_folder
from tests.processes import ROOT

SHOW = """
import psycopg
from builder import embedded
embedded.start()
with psycopg.connect(host=embedded.database()["HOST"], user="postgres", dbname="midcall") as database:
    print(database.execute("SHOW max_connections").fetchone()[0])
"""


@pytest.fixture
def folder():
    made = new_folder()
    yield made
    shutil.rmtree(made)


def connections_of(folder) -> int:
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    shown = subprocess.run(
        [sys.executable, "-c", SHOW],
        cwd=ROOT,
        env={**environment, "DATA_DIR": str(folder)},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return int(shown.stdout)


def test_a_folder_of_a_version_before_is_set_up_like_a_new_one(folder):
    now = connections_of(folder)
    settings = folder / "postgres" / "postgresql.conf"
    written = settings.read_text()
    before = written.replace(embedded.POSTGRESQL_CONF, "max_connections = 17\n")
    assert before != written
    settings.write_text(before)

    assert connections_of(folder) == now != 17
    assert connections_of(folder) == now
    assert settings.read_text() == before + embedded.POSTGRESQL_CONF


def test_a_user_whose_files_nobody_else_may_read_can_start_it(folder):
    mask = os.umask(0o077)
    try:
        assert connections_of(folder)
    finally:
        os.umask(mask)
