"""Every address under /admin/, as everybody: who may open it, and who changes something by it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote, urljoin

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.db import connection as database
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from builder.models import SmsAction, Topic
from campaigns import ownership, switches
from campaigns.models import Alarm, Call, Campaign, Connection, Consent, ToolCall
from sms import outbox
from sms.models import Forgotten, Message, OptOut, Pause, Sender, SmsTemplate, UserProfile
from tests import factories
from tests.campaigns.matrix import CHANGES_NOTHING, EXPECTED, OF_SUPERUSERS, REHEARSES, ROLES
from tests.factories import ACCOUNT_SID, AUTH_TOKEN, CALLER

PASSWORD = "a long new passphrase"


@pytest.fixture
def people(db):
    people = {
        "n": factories.UserFactory(username="nobody", is_staff=True),
        "v": factories.UserFactory(username="vera", role="Viewer"),
        "b": factories.UserFactory(username="bob", role="Ops"),
        "o": factories.UserFactory(username="olive", role="Ops"),
        "a": factories.UserFactory(username="ann", role="Admin"),
        "s": factories.UserFactory(username="root", is_staff=True, is_superuser=True),
    }
    assert people.keys() | {"-"} == ROLES.keys()
    return people


@pytest.fixture
def sessions(people):
    """The log-in of each, which a client starts each request with."""
    found = {"-": None}
    for letter, user in people.items():
        client = Client()
        client.force_login(user)
        found[letter] = client.cookies["sessionid"].value
    return found


@pytest.fixture
def world(people):
    """One of each thing, Olive's where it has an owner."""
    olive = people["o"]
    template = factories.TemplateFactory(name="directions", body="48 Mill Lane.", owner=olive)
    topic = factories.TopicFactory(name="Finding us", actions="Call {{directions}}.", owner=olive)
    campaign = factories.CampaignFactory(name="Booking line", owner=olive)
    campaign.topics.add(topic)
    connection = factories.ConnectionFactory(campaign=campaign, runtime="vapi")
    connection.rotate(timedelta(hours=1))
    message = factories.MessageFactory(template=template, profile=olive.sms_profile, tested_by="olive")
    call = Call.objects.create(connection=connection, external_id="call-1", caller_number=CALLER)
    tool_call = ToolCall.objects.create(
        call=call, key="key-1", tool="directions", outcome="accepted", say="On its way.", message=message
    )
    consent = Consent.objects.create(
        recipient=CALLER, words="Yes please", tool_call=tool_call, campaign=campaign
    )
    outbox.opt_out("+14155550199", OptOut.Source.KEYWORD)
    late = factories.CampaignFactory(name="Late line", owner=olive)
    return {
        SmsTemplate: template,
        SmsAction: factories.ActionFactory(name="note", owner=olive, is_shared=True),
        Topic: topic,
        Campaign: campaign,
        Connection: connection,
        Message: message,
        Call: call,
        Consent: consent,
        OptOut: OptOut.objects.get(),
        Forgotten: Forgotten.objects.create(digest="#0", by="ann", because="They asked"),
        Sender: Sender.objects.get(),
        Pause: switches.pause(late, "Nobody is there", "olive"),
        Alarm: Alarm.objects.create(pk=1),
        UserProfile: olive.sms_profile,
        User: olive,
        Group: Group.objects.create(name="Night shift"),
    }


@pytest.fixture
def spare(world, people):
    """The same once more, of which nothing is in use, so that it can be deleted."""
    olive = people["o"]
    return {
        **world,
        SmsTemplate: factories.TemplateFactory(name="unused", body="48 Mill Lane.", owner=olive),
        SmsAction: factories.ActionFactory(name="unused", owner=olive),
        Topic: factories.TopicFactory(name="Unused", owner=olive),
        Campaign: factories.CampaignFactory(name="Unused", owner=olive),
        User: factories.UserFactory(username="dora", role="Viewer"),
    }


def patterns(of: list[Any], route: str = "") -> Iterator[tuple[str, URLPattern]]:
    for each in of:
        if isinstance(each, URLResolver):
            yield from patterns(each.url_patterns, route + str(each.pattern))
        else:
            yield route + str(each.pattern), each


def under_admin() -> list[tuple[str, URLPattern]]:
    """The addresses under /admin/. Those without a name only lead to others."""
    found = patterns(get_resolver().url_patterns)
    return [(route, each) for route, each in found if route.startswith("admin/") and each.name]


def model_of(name: str) -> Any:
    """The model whose page has an address by that name; None if it is nobody's."""
    by_label = {f"{each._meta.app_label}_{each._meta.model_name}_": each for each in admin.site._registry}
    return next((model for label, model in by_label.items() if name.startswith(label)), None)


def address(name: str, world: dict[Any, Any]) -> str:
    """The address by that name, of a thing of the world."""
    [pattern] = [each for _, each in under_admin() if each.name == name]
    thing = world.get(model_of(name))
    key = thing.pk if thing else 1
    found = {"object_id": key, "pk": key, "id": key, "content_type_id": 1, "app_label": "sms"}
    found |= {"connection": world[Connection].pk, "message": world[Message].pk, "token": "0" * 32}
    if name == "sms_userprofile_atlas_enable":
        found["pk"] = world[User].pk
    if name == "sms_pause_thing":
        found |= {"kind": "campaign", "pk": world[Campaign].pk}
    if name == "auth_user_changes_of":
        found |= {"kind": "sms.smstemplate", "pk": str(world[SmsTemplate].pk)}
    url = reverse(f"admin:{name}", kwargs={each: found[each] for each in pattern.pattern.regex.groupindex})
    about = {
        "sms_message_cancel": f"texts={world[Message].pk}",
        "sms_message_forget": f"number={quote(CALLER)}",
        "sms_message_number": f"number={quote(CALLER)}",
    }
    return f"{url}?{about[name]}" if name in about else url


def payload(name: str, world: dict[Any, Any], people: dict[str, User]) -> dict[str, Any]:
    """What the form at an address would post, so that it changes something."""
    credentials = {
        "twilio_account_sid": ACCOUNT_SID,
        "account_sid": ACCOUNT_SID,
        "twilio_from": "+13125550177",
    }
    text = {"name": "night_hours", "description": "Use this when asked.", "provider": "twilio"}
    text |= {"send_within_seconds": "900", "is_active": "on", "is_shared": "on", "owner": people["o"].pk}
    text |= {"body": "Open till ten.", "language": "en", "max_segments": "3", "recipient": "caller"}
    person = {"password1": PASSWORD, "password2": PASSWORD, "usable_password": "true", "role": "Viewer"}
    filled = {
        "sms_smstemplate": text,
        "builder_smsaction": {**text, **credentials, "default_from": "+13125550142"},
        "builder_topic": {
            "name": "Opening hours",
            "questions": "When?",
            "content": "Till ten.",
            "is_active": "on",
        },
        "campaigns_campaign": {"name": "Night line", "country": "US", "language": "en", "is_active": "on"},
        "sms_optout": {"recipient": "+14155550188", "evidence": "On the phone"},
        "sms_sender": {"messages_per_second": "7"},
        "sms_userprofile": {**credentials, "twilio_enabled": "on"},
        "auth_user": {"username": "carol", "is_active": "on", **person},
        "auth_group": {"name": "Day shift"},
    }
    model, _, kind = name.rpartition("_")
    if kind == "delete":
        return {"post": "yes"}
    if kind == "changelist":
        return {"action": "delete_selected", "_selected_action": [world[model_of(name)].pk], "post": "yes"}
    if kind in ("add", "change") and model in filled:
        return filled[model]
    return {
        "auth_user_hand_over": {"to": people["b"].pk, "things": [ownership.key(world[SmsTemplate])]},
        "auth_user_password_change": person,
        "campaigns_campaign_connect": {"name": "An agent", "runtime": "http"},
        "campaigns_campaign_integrations": {"actions": [world[SmsAction].pk], "shown": ""},
        "campaigns_campaign_signing": {"_stop": "1"},
        "campaigns_alarm_change": {"failed_percent": "40", "failed": "60"},
        "campaigns_campaign_brake": {
            **{"times_usual": "4", "texts": "300", "texts_abroad": "20"},
            **{"failed_percent": "50", "failed": "20"},
        },
        "sms_message_cancel": {"because": "Closed"},
        "sms_message_forget": {"because": "They asked"},
        "sms_optout_import": {"text": "+14155550166", "confirmed": "1"},
        "sms_pause_everything": {"because": "The carrier sends nonsense"},
        "sms_pause_thing": {"because": "The price is wrong"},
        "sms_optout_lift": {"because": "They asked"},
        "sms_smstemplate_preview": {"template": world[SmsTemplate].pk, **text},
        "builder_smsaction_preview": {"action": world[SmsAction].pk, **text},
        "builder_topic_lint": {"topic": world[Topic].pk, "actions": "", "content": ""},
    }.get(name, {})


def refuses(response: Any, url: str) -> bool:
    """Whether an answer is a refusal: none of what the address is for."""
    if response.status_code == 302:
        # To the log-in, or home with a word that there is no such thing.
        return response.url.startswith("/admin/login/") or (
            response.url == "/admin/" and url != "/admin/login/"
        )
    return response.status_code in (403, 404, 405)


def written() -> int:
    """How many rows this transaction has written so far, but for sessions."""
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_xact_user_tables "
            "WHERE relname <> 'django_session'"
        )
        return int(cursor.fetchone()[0])


def attempt(session: str | None, method: str, url: str, data: dict[str, Any]) -> tuple[Any, bool]:
    """The answer to a request, and whether anything was written for it; nothing of it stays."""
    client = Client()
    if session:
        client.cookies["sessionid"] = session
    with transaction.atomic():
        before = written()
        response = client.post(url, data) if method == "post" else client.get(url, data)
        wrote = written() > before
        transaction.set_rollback(True)
    return response, wrote


@dataclass
class Matrix:
    """What was tried, and what came of it that was not expected."""

    tried: int = 0
    leaks: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def judge(
        self,
        name: str,
        method: str,
        url: str,
        data: dict[str, Any],
        letter: str,
        session: str | None,
        may: str,
        writers: str,
    ) -> None:
        """Make a request as somebody, of whom is said whether they may, and whether it writes for them."""
        response, wrote = attempt(session, method, url, data)
        refused = refuses(response, url)
        self.tried += 1
        what = f"{ROLES[letter]}: {method} {url} ({name}) {response.status_code}"
        if AUTH_TOKEN in getattr(response, "text", ""):
            self.leaks.append(f"{what} shows a secret")
        if not refused and letter not in may:
            self.leaks.append(f"{what} is answered")
        if wrote and letter not in writers and name not in REHEARSES:
            self.leaks.append(f"{what} writes")
        if refused and letter in may and (method == "get" or letter in writers):
            self.refused.append(f"{what} is refused")
        if letter in writers and not wrote:
            self.refused.append(f"{what} writes nothing")


class TestTheMatrix:
    def test_every_address_stands_in_it(self):
        assert {each.name for _, each in under_admin()} == EXPECTED.keys()

    def test_nobody_gets_more_or_less_than_it_says(self, people, sessions, world, spare, settings, capsys):
        # Nobody is asked whether it works.
        settings.ATLAS_ACCOUNT_SID = ""
        chief = factories.UserFactory(username="chief", is_staff=True, is_superuser=True)
        superuser = {**world, User: chief, UserProfile: chief.sms_profile}
        rows = [(name, who, spare if _deletes(name) else world) for name, who in EXPECTED.items()]
        rows += [(name, who, superuser) for name, who in OF_SUPERUSERS.items()]
        matrix = Matrix()
        for name, (may_get, may_post), of in rows:
            url, data = address(name, of), payload(name, of, people)
            writers = "" if name in CHANGES_NOTHING else may_post
            for letter, session in sessions.items():
                matrix.judge(name, "get", url, {}, letter, session, may_get, "")
                matrix.judge(name, "post", url, data, letter, session, may_get + may_post, writers)

        with capsys.disabled():
            print(
                f"\n{len(rows)} addresses under /admin/ × {len(ROLES)} roles, {matrix.tried} requests: "
                f"{len(matrix.leaks)} leaks, {len(matrix.refused)} refused that should not be"
            )
        assert matrix.leaks == []
        assert matrix.refused == []


class Links(HTMLParser):
    """The addresses that a page leads to."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if tag == "a" and name == "href" and value]


def test_no_link_that_is_shown_is_refused(people, sessions, world):
    refused = []
    for letter, session in sessions.items():
        if session is None:
            continue
        client = Client()
        client.cookies["sessionid"] = session
        # One of each kind, however it is filtered and sorted.
        seen, waiting = set(), [(reverse("admin:index"), "")]
        while waiting:
            url, shown_on = waiting.pop()
            kind = re.sub(r"\d+", "1", url)
            if kind in seen:
                continue
            seen.add(kind)
            response = client.get(url, follow=True)
            if response.status_code >= 400:
                refused.append(f"{ROLES[letter]}: {url} on {shown_on} ({response.status_code})")
            elif "html" in response["Content-Type"]:
                address = urljoin(url, response.redirect_chain[-1][0]) if response.redirect_chain else url
                found = [urljoin(address, link).split("#")[0] for link in Links(response.text).found]
                waiting += [(link.split("?")[0], url) for link in found if link.startswith("/admin/")]

    assert refused == []


def _deletes(name: str) -> bool:
    return name.endswith(("_delete", "_changelist"))
