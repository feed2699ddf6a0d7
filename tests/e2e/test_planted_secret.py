"""Tokens are planted in a real installation, used, and searched for everywhere a byte of them could be."""

from __future__ import annotations

import base64
import http.cookiejar
import itertools
import json
import re
import secrets
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import psycopg
import pytest
from django.contrib import admin
from django.core import mail
from django.db import connection
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from sms.tracked import TRACKED
from tests import factories, forked
from tests.campaigns.runtimes.vendors import RetellSigned
from tests.e2e.conftest import SECRET, Line
from tests.processes import eventually

PEOPLE = """
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from sms.models import UserProfile
User = get_user_model()
User.objects.create_superuser("root", "", "root")
ours = Permission.objects.filter(content_type__app_label__in=["builder", "sms", "campaigns"])
for name in ("ops", "pete"):
    user, _ = User.objects.get_or_create(username=name)
    user.is_staff, user.is_superuser = True, False
    user.set_password(name)
    user.save()
    user.user_permissions.set(ours)
profile = UserProfile.objects.get(user__username="ops")
profile.twilio_secondary_token = "{secondary}"
profile.save()
pete = UserProfile.objects.get_or_create(user=User.objects.get(username="pete"))[0]
pete.twilio_account_sid, pete.twilio_api_key = "AC" + "5" * 32, "SK" + "5" * 32
pete.twilio_auth_token, pete.twilio_api_secret = "{foreign}", "{api_secret}"
pete.save()
from campaigns.models import Campaign, Connection
connection = Connection(slug="signed", campaign=Campaign.objects.get(), name="Retell", runtime="retell")
connection.issue_secret()
connection.signing_secret, connection.secondary_signing_secret = "{signing}", "{next_signing}"
connection.save()
"""
SESSIONS = """
from django.contrib.sessions.models import Session
print([session.get_decoded() for session in Session.objects.all()])
"""
BREAK = """
CREATE FUNCTION break() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'Out of order.'; END $$;
CREATE TRIGGER break BEFORE UPDATE ON sms_userprofile FOR EACH ROW EXECUTE FUNCTION break();
"""
KINDS = {
    "answers to forms", "messages of the broker", "pages", "dumps", "exports", "commands", "tables", "logs",
    "files of the data folder",
}  # fmt: skip
# What has a history of its own.
HISTORIES = {model._meta.label_lower for model in TRACKED}
MEND = "DROP TRIGGER break ON sms_userprofile; DROP FUNCTION break();"


class Search:
    """What must be nowhere, in every spelling that somebody could read; where it was looked for and found."""

    def __init__(self, **planted: str) -> None:
        self._spellings = [
            (name, spelling) for name, secret in planted.items() for spelling in spellings(secret)
        ]
        self.places: Counter[str] = Counter()
        self.found: list[tuple[str, str, str]] = []

    def look(self, kind: str, where: str, held: str | bytes) -> None:
        self.places[kind] += 1
        held = held if isinstance(held, bytes) else held.encode("utf-8", "surrogateescape")
        self.found += [(kind, where, name) for name, spelling in self._spellings if spelling in held]

    def __str__(self) -> str:
        listed = ", ".join(f"{count} {kind}" for kind, count in self.places.items())
        return f"{self.places.total()} places searched ({listed}): {len(self.found)} found"


def spellings(secret: str) -> Iterator[bytes]:
    plain = secret.encode()
    yield plain
    yield plain[::-1]
    yield plain.hex().encode()
    for before in range(3):
        # What does not depend on what stands before and after it, as in the header of a log-in.
        coded = base64.b64encode(b"x" * before + plain + b"x" * 3)
        yield coded[4 if before else 0 : -8]


class Person:
    """Somebody with a browser, logged in to the installation; nobody, without a name."""

    def __init__(self, line: Line, name: str = "") -> None:
        self._url = line.url
        self._cookies = http.cookiejar.CookieJar()
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(self._cookies)
        )
        if name:
            self.get("/admin/login/")
            status, _ = self.post("/admin/login/?next=/healthz", {"username": name, "password": name})
            assert status == 200

    def get(self, path: str, **headers: str) -> tuple[int, bytes]:
        return self._ask(urllib.request.Request(self._url + path, headers=headers))

    def post(self, path: str, fields: dict[str, str]) -> tuple[int, bytes]:
        token = next((cookie.value or "" for cookie in self._cookies if cookie.name == "csrftoken"), "")
        body = urllib.parse.urlencode({**fields, "csrfmiddlewaretoken": token}).encode()
        return self._ask(urllib.request.Request(self._url + path, body))

    def send(self, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        headers = {"Content-Type": "application/json", **headers}
        return self._ask(urllib.request.Request(self._url + path, body, headers))

    def _ask(self, request: urllib.request.Request) -> tuple[int, bytes]:
        try:
            with self._opener.open(request, timeout=30) as answer:
                return answer.status, str(answer.headers).encode() + answer.read()
        except urllib.error.HTTPError as error:
            return error.code, str(error.headers).encode() + error.read()


def routes(patterns: Iterable[URLPattern | URLResolver], before: str = "") -> Iterator[str]:
    for each in patterns:
        route = before + re.sub(r"\^|\$|\\Z|\(\?P(<\w+>)[^)]*\)", r"\1", str(each.pattern)).replace(
            "\\.", "."
        )
        if isinstance(each, URLResolver):
            yield from routes(each.url_patterns, route)
        else:
            yield route


def addresses(line: Line) -> list[str]:
    """Every address of the site, with each thing that there is in place of what it asks for."""
    tables = {
        f"admin/{model._meta.app_label}/{model._meta.model_name}/": model._meta.db_table
        for model in admin.site._registry
    }
    keys = {
        prefix: [str(key) for (key,) in line.rows(f"SELECT id FROM {table} ORDER BY id LIMIT 20")]
        for prefix, table in tables.items()
    }
    found = set()
    for route in routes(get_resolver().url_patterns):
        own = next((keys[prefix] for prefix in keys if route.startswith(prefix)), [])
        asked = re.findall(r"<[^>]*>", route)
        # A second key is a connection's, whose numbers are small ones, too.
        for values in itertools.product(own or ["1"], *[["1", "line", "confirmation"]] * (len(asked) - 1)):
            address = route
            for placeholder, value in zip(asked, values, strict=False):
                address = address.replace(placeholder, "line" if "connection" in placeholder else value, 1)
            found.add("/" + address)
    # Of each thing, the history that Admins read, of what is gone, too.
    found |= {
        f"/admin/auth/user/changes/{kind}/{key}/"
        for prefix, of_it in keys.items()
        if (kind := prefix.removeprefix("admin/").strip("/").replace("/", ".")) in HISTORIES
        for key in of_it
    }
    lists = [address for address in found if re.fullmatch(r"/admin/\w+/\w+/", address)]
    search = ["?q=a", "?o=1", "?twilio_auth_token__startswith=a", "?user__sms_profile__twilio_auth_token=a"]
    autocomplete = [
        f"/admin/autocomplete/?term=&app_label={app}&model_name={model}&field_name={field}"
        for app, model, field in (
            ("sms", "smstemplate", "owner"),
            ("builder", "smsaction", "template"),
            ("campaigns", "toolattachment", "action"),
            ("sms", "message", "profile"),
        )
    ]
    return sorted(found) + [address + words for address in lists for words in search] + autocomplete


def test_the_search_finds_what_is_there():
    token = secrets.token_hex(16)
    basic = base64.b64encode(f"AC{'0' * 32}:{token}".encode())
    held = [token, f"{{'token': '{token}'}}", f"AuthToken={token}&To=1", token.encode().hex(), basic]
    search = Search(token=token)

    for each in [*held, "nothing"]:
        search.look("places", "here", each)

    assert len(search.found) == len(held)
    assert str(search) == "6 places searched (6 places): 5 found"


@pytest.fixture
def planted(tmp_path):
    """An installation of its own that logs all it can."""
    line = Line(tmp_path, LOG_LEVEL="DEBUG", LEASE_SECONDS="4", LATE_BOUND_SECONDS="1")
    line.create()
    try:
        line.configure()
        line.carrier.start()
        yield line
    finally:
        line.stop()
        line.drop()


def test_nothing_of_a_planted_token_is_anywhere(planted, capsys):
    line, secondary, mistyped = planted, secrets.token_hex(16), secrets.token_hex(16)
    signing, next_signing = secrets.token_hex(16), secrets.token_hex(16)
    api_secret, foreign = secrets.token_hex(16), secrets.token_hex(16)
    search = Search(
        token=line.auth_token,
        secondary=secondary,
        mistyped=mistyped,
        signing=signing,
        next_signing=next_signing,
        api_secret=api_secret,
        foreign=foreign,
        atlas=line.atlas_token,
        connection=SECRET,
        **{name: line.environment[name] for name in ("SECRET_KEY", "FIELD_ENCRYPTION_KEY")},
    )
    planting = PEOPLE.format(
        secondary=secondary,
        signing=signing,
        next_signing=next_signing,
        api_secret=api_secret,
        foreign=foreign,
    )
    line.manage("shell", "--no-imports", script=planting)
    line.start("web")
    people = {name: Person(line, name) for name in ("ops", "pete", "root")} | {"nobody": Person(line)}

    # Entered, mistyped, and in the hands of a database that breaks.
    [(profile,)] = line.rows("SELECT id FROM sms_userprofile WHERE twilio_account_sid = %s", line.account_sid)
    page = f"/admin/sms/userprofile/{profile}/change/"
    entered = {
        "twilio_account_sid": line.account_sid,
        "auth_token": line.auth_token,
        "secondary_token": secondary,
        "twilio_from": "+13125550142",
        "twilio_enabled": "on",
        "atlas_enabled": "on",
    }
    for wrong in (
        {},
        {"auth_token": mistyped, "twilio_account_sid": "AC1"},
        {"auth_token": mistyped + " x"},
        {"twilio_api_key": "SK" + "6" * 32, "api_secret": mistyped},
    ):
        search.look("answers to forms", page, people["ops"].post(page, {**entered, **wrong})[1])
    action = {"name": "n", "provider": "twilio", "account_sid": "AC1", "auth_token": mistyped}
    search.look("answers to forms", "action", people["ops"].post("/admin/builder/smsaction/add/", action)[1])
    execute(line, BREAK)
    # The carrier knows no secondary token, and what it does not accept goes no further.
    status, answer = people["ops"].post(page, {**entered, "secondary_token": ""})
    assert status == 500
    search.look("answers to forms", "broken", answer)
    execute(line, MEND)

    # By a vendor's webhook, signed with each, and with neither.
    for key in (signing, next_signing, mistyped):
        status, answer = people["nobody"].send(*signed_call(key))
        assert (status, b"accepted" in answer) == ((200, True) if key != mistyped else (401, False))
        search.look("pages", "webhook", answer)

    # Rung while no worker listens, so that what the broker carries can be read.
    fired = [line.fire(f"call-{number}", guests=str(number))[1] for number in range(3)]
    # Off the request's path, so a moment later.
    for file in eventually(lambda: list((line.folder / "broker").rglob("*.msg"))):
        search.look("messages of the broker", file.name, file.read_bytes())
    line.start("worker", "beat")
    eventually(lambda: all(line.state(each["messageId"]) == "delivered" for each in fired))

    atlas = people["root"].post("/admin/sms/userprofile/atlas/check/", {})
    assert atlas[0] == 200 and b"Atlas works." in atlas[1]
    search.look("pages", "Atlas, checked", atlas[1])

    found = addresses(line)
    for (name, person), address in itertools.product(people.items(), found):
        status, answer = person.get(address)
        assert status < 500, (name, address)
        search.look("pages", f"{name} {address}", answer)
    for path in ("tools", "tools?format=openai", "prompt", f"messages/{fired[0]['messageId']}"):
        answer = people["nobody"].get(f"/c/line/{path}", Authorization=f"Bearer {SECRET}")[1]
        search.look("pages", path, answer)

    for form in ("json", "jsonl", "xml", "yaml"):
        # The library's models are views of what is searched by itself, and have no tables.
        dump = said(line, "dumpdata", "--all", "--exclude", "pghistory", "--format", form)
        search.look("dumps", form, dump)
    for form in ("midcall", "csv", "adk"):
        search.look("exports", form, said(line, "export_build", "--format", form))
    search.look("commands", "rotate_keys --dry-run", said(line, "rotate_keys", "--dry-run"))
    search.look("commands", "check", said(line, "check", "--database", "default"))
    search.look("commands", "sessions", line.manage("shell", "--no-imports", script=SESSIONS))
    for table, rows in tables(line):
        search.look("tables", table, rows)
    line.carrier.stop()
    for name in ("web", "worker", "beat"):
        line.kill(name)
        assert "DEBUG" in line.log(name) or name != "worker"
        search.look("logs", name, line.log(name))
    for file in Path(line.folder).rglob("*"):
        # The carrier has the tokens of its own accounts.
        if file.is_file() and file.name != "carrier.log":
            search.look("files of the data folder", file.name, file.read_bytes())

    with capsys.disabled():
        print(f"\n{search}")
    assert search.found == []
    assert search.places["pages"] > 500
    assert any("/changes/" in address for address in found)
    assert set(search.places) == KINDS


def said(line: Line, *words: str) -> bytes:
    """All that a command writes."""
    with tempfile.NamedTemporaryFile() as file:
        code = forked.manage(words, line.environment, Path(file.name))
        held = file.read()
    assert code == 0, held
    assert held
    return held


def signed_call(key: str) -> tuple[str, bytes, dict[str, str]]:
    """A tool call as Retell sends it."""
    parameters = {"guests": key[:4], "consent": "Yes, please text me."}
    vendor = RetellSigned()
    body = json.dumps(vendor.envelope(call="signed", parameters=parameters, id=key[:4])).encode()
    return "/c/signed/retell", body, vendor.signature(body, time.time(), key)


def execute(line: Line, script: str) -> None:
    with psycopg.connect(host=line._host, user="postgres", dbname=line.database, autocommit=True) as database:
        database.execute(script)


def tables(line: Line) -> Iterator[tuple[str, bytes]]:
    """All that the database holds, table after table, as a dump writes it."""
    names = line.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    with psycopg.connect(host=line._host, user="postgres", dbname=line.database) as database:
        for (name,) in names:
            with database.cursor() as cursor, cursor.copy(f'COPY "{name}" TO STDOUT') as copied:
                yield name, b"".join(map(bytes, copied))


@pytest.mark.parametrize("debug", [False, True], ids=["DEBUG off", "DEBUG on"])
@pytest.mark.parametrize("accept", ["text/html", "text/plain"])
@pytest.mark.django_db
def test_a_report_of_an_error_has_no_value_in_it(olive, settings, debug, accept):
    settings.DEBUG, settings.ADMINS = debug, [("Ops", "ops@example.com")]
    settings.ALLOWED_HOSTS = ["testserver"]
    olive.is_staff = olive.is_superuser = True
    olive.save()
    client = Client(raise_request_exception=False)
    client.force_login(olive)
    typed = secrets.token_hex(16)
    search = Search(
        typed=typed,
        stored=factories.AUTH_TOKEN,
        recipient="+14155550100",
        session=client.session.session_key,
        SECRET_KEY=settings.SECRET_KEY,
        FIELD_ENCRYPTION_KEY=settings.FIELD_ENCRYPTION_KEY[0],
        atlas=settings.ATLAS_AUTH_TOKEN,
    )
    with connection.cursor() as cursor:
        cursor.execute(BREAK)

    response = client.post(
        reverse("admin:sms_userprofile_change", args=[olive.sms_profile.pk]),
        {
            "twilio_account_sid": factories.ACCOUNT_SID,
            "auth_token": typed,
            "twilio_from": "+14155550100",
        },
        headers={"accept": accept},
    )

    assert response.status_code == 500
    assert ("Out of order" in response.text) == debug
    search.look("pages", "of the error", response.content)
    for letter in mail.outbox:
        search.look("letters", letter.subject, letter.message().as_bytes())
        search.look("letters", letter.subject, letter.body)
    assert len(mail.outbox) == (0 if debug else 1)
    assert search.found == []
