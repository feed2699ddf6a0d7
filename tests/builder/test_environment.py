"""What a wrong environment is answered with: an id, what is wrong and what to do; never a traceback."""

from __future__ import annotations

import base64
import hashlib
import os
import subprocess
import sys

import pytest
from cryptography.fernet import Fernet

from tests import forked
from tests.processes import ROOT

SECRET_KEY = "k7Q2mZx9Lr4Tn8Wb3Yv6Ps1Dg5Hj0Fc_Ae-RuIoKtVyXwNzBqMlE"
PRODUCTION = {
    "DATABASE_URL": "postgresql://midcall:pass@db.example.com:5432/midcall",
    "CELERY_BROKER_URL": "redis://broker.example.com/0",
    "SECRET_KEY": SECRET_KEY,
    "FIELD_ENCRYPTION_KEY": Fernet.generate_key().decode(),
    "PUBLIC_URL": "https://sms.example.com",
    "ALLOWED_HOSTS": "sms.example.com",
}
OURS = (
    *PRODUCTION,
    *(
        "TWILIO_API_URL",
        "ATLAS_ACCOUNT_SID",
        "ATLAS_AUTH_TOKEN",
        "ATLAS_SECONDARY_AUTH_TOKEN",
        "ATLAS_FROM",
        "ATLAS_MAX_PER_DAY",
        "DATA_DIR",
    ),
    *("LOG_LEVEL", "EMAIL_URL", "EMAIL_FROM", "SILENT_SECONDS", "BEHIND_TLS_PROXY"),
    *("PORT", "SIMULATOR_PORT", "LEASE_SECONDS", "LATE_BOUND_SECONDS", "WEBHOOK_NETWORKS"),
)


def key_of(decoded: bytes) -> str:
    return base64.urlsafe_b64encode(decoded).decode()


CHECK = ("check", "--deploy", "--fail-level", "WARNING")


def production(**changed: str | None) -> dict[str, str]:
    """A whole environment: production's, changed; None unsets."""
    inherited = {name: value for name, value in os.environ.items() if name not in OURS}
    merged = {**PRODUCTION, **changed}
    return inherited | {name: value for name, value in merged.items() if value is not None}


def run(*words: str, **environment: str | None) -> tuple[int, str]:
    """A command in a process of its own. Its exit code and all that it said."""
    done = subprocess.run(
        [sys.executable, *words],
        cwd=ROOT,
        env=production(**environment),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=60,
    )
    assert "Traceback" not in done.stdout
    return done.returncode, done.stdout


def test_production_values_pass_every_check():
    code, said = run("manage.py", *CHECK)

    assert code == 0
    assert said.startswith("System check identified no issues")


def test_a_forked_process_says_what_a_fresh_one_says(tmp_path):
    fresh = run("manage.py", *CHECK, LOG_LEVEL="verbose", SECRET_KEY="short")

    code = forked.manage(CHECK, production(LOG_LEVEL="verbose", SECRET_KEY="short"), tmp_path / "said")

    assert (code, (tmp_path / "said").read_text()) == fresh


@pytest.mark.parametrize(
    ("environment", "check_id"),
    [
        ({"SECRET_KEY": None}, "midcall.E001"),
        ({"SECRET_KEY": "short"}, "security.W009"),
        ({"FIELD_ENCRYPTION_KEY": None}, "midcall.E002"),
        ({"FIELD_ENCRYPTION_KEY": "not a key"}, "midcall.E002"),
        ({"FIELD_ENCRYPTION_KEY": "Zm9v"}, "midcall.E002"),
        ({"FIELD_ENCRYPTION_KEY": key_of(hashlib.sha256(SECRET_KEY.encode()).digest())}, "midcall.E013"),
        ({"FIELD_ENCRYPTION_KEY": key_of(SECRET_KEY.encode()[:32])}, "midcall.E013"),
        ({"FIELD_ENCRYPTION_KEY": key_of(bytes(32))}, "midcall.E016"),
        ({"FIELD_ENCRYPTION_KEY": key_of(b"correct horse battery staple 123")}, "midcall.E016"),
        ({"FIELD_ENCRYPTION_KEY": "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4="}, "midcall.E016"),
        (
            {"FIELD_ENCRYPTION_KEY": f"{key_of(hashlib.sha256(b'some key').digest())},{key_of(bytes(32))}"},
            "midcall.E016",
        ),
        ({"FORGET_KEY": "short"}, "midcall.E021"),
        ({"RETENTION_DAYS": "a year"}, "midcall.E007"),
        ({"CONSENT_RETENTION_DAYS": "-1"}, "midcall.E007"),
        ({"PUBLIC_URL": None}, "midcall.E003"),
        ({"PUBLIC_URL": "sms.example.com"}, "midcall.E003"),
        ({"PUBLIC_URL": "https://sms_prod.example.com"}, "midcall.E003"),
        ({"PUBLIC_URL": "http://sms.example.com"}, "midcall.E012"),
        ({"PUBLIC_URL": "http://[x"}, "midcall.E003"),
        ({"FIELD_ENCRYPTION_KEY": ","}, "midcall.E002"),
        ({"LOG_LEVEL": "verbose"}, "midcall.E009"),
        ({"EMAIL_URL": "pigeon://roof"}, "midcall.E009"),
        ({"DATABASE_URL": "sqlite:///db.sqlite3"}, "midcall.E004"),
        ({"DATABASE_URL": "nonsense"}, "midcall.E004"),
        ({"DATABASE_URL": ""}, "midcall.E004"),
        ({"CELERY_BROKER_URL": "carrier-pigeon://"}, "midcall.E005"),
        ({"CELERY_BROKER_URL": None}, "midcall.W011"),
        ({"ATLAS_ACCOUNT_SID": "AC" + "0" * 32}, "midcall.E006"),
        ({"ATLAS_MAX_PER_DAY": "many"}, "midcall.E006"),
        ({"LEASE_SECONDS": "soon"}, "midcall.E007"),
        ({"WEBHOOK_NETWORKS": "10.1.0.0/16,10.1.2.3/16"}, "midcall.E009"),
        ({"PORT": "80 80"}, "midcall.E008"),
        ({"TWILIO_API_URL": "http://127.0.0.1:8001"}, "midcall.W014"),
    ],
    ids=lambda value: str(value)[:50],
)
def test_what_is_missing_or_wrong_is_named(environment, check_id, tmp_path):
    code = forked.manage(CHECK, production(DATA_DIR=str(tmp_path), **environment), tmp_path / "said")

    said = (tmp_path / "said").read_text()
    assert code == 1
    assert "Traceback" not in said
    assert check_id in said
    assert "HINT" in said or not check_id.startswith("midcall")


def test_a_demo_is_not_fit_for_production(tmp_path):
    code, said = run("manage.py", *CHECK, DATABASE_URL=None, DATA_DIR=str(tmp_path))

    assert code == 1
    assert "midcall.E010" in said


@pytest.mark.parametrize("process", ["worker", "beat"])
def test_no_worker_and_no_beat_starts_with_a_wrong_environment(process):
    code, said = run("-m", "celery", "--app", "builder", process, FIELD_ENCRYPTION_KEY="not a key")

    assert code == 1
    assert "midcall.E002: " in said


def test_the_web_server_does_not_serve_with_a_wrong_environment():
    code, said = run("-c", "import builder.wsgi", FIELD_ENCRYPTION_KEY="not a key")

    assert code == 1
    assert said.startswith("midcall.E002: ")
    assert "Fernet" in said


@pytest.mark.parametrize("folder", ["/proc/midcall", __file__], ids=["not writable", "a file"])
def test_a_data_folder_that_cannot_be_is_one_line(folder):
    code, said = run("manage.py", "check", DATABASE_URL=None, DATA_DIR=folder)

    assert code == 1
    assert said.count("\n") == 1
    assert "DATA_DIR" in said
