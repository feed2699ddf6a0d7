"""The brake's webhook: signed as Standard Webhooks has it, over real HTTP, a few times, and to https only."""

from __future__ import annotations

import base64
import json
import socket
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from campaigns import alarms, brake, switches
from campaigns.models import Alarm, Brake, Notice
from tests import factories
from tests.campaigns.test_brake import promised

KEY = bytes(range(32))
SECRET = "whsec_" + base64.b64encode(KEY).decode()


class Receiver(ThreadingHTTPServer):
    """A program that is told; it answers with `status`, after `seconds`."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.status, self.seconds, self.got = 200, 0.0, []
        self.url = f"http://127.0.0.1:{self.server_address[1]}/midcall"


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((self.path, dict(self.headers.items()), body))
        time.sleep(self.server.seconds)
        self.send_response(self.server.status)
        self.send_header("Location", f"{self.server.url}-elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST

    def log_message(self, *args):
        pass


@pytest.fixture
def receiver():
    receiver = Receiver()
    threading.Thread(target=receiver.serve_forever, daemon=True).start()
    yield receiver
    receiver.shutdown()
    receiver.server_close()


@pytest.fixture
def tripped(db, settings, campaign, receiver):
    settings.DEMO = True
    Alarm.objects.create(pk=1, url=receiver.url, secret=SECRET)
    Brake.objects.create(campaign=campaign, texts=20)
    promised(campaign, 21)
    [pause] = brake.watch()
    return pause


def due_again():
    with connection.cursor() as cursor:
        for field in ("next_try_at", "next_mail_at"):
            cursor.execute(f"UPDATE campaigns_notice SET {field} = now() WHERE {field} IS NOT NULL")


def hmac_of_openssl(content: bytes) -> str:
    """The signature as a program computes it that knows nothing of ours."""
    made = subprocess.run(
        ["openssl", "dgst", "-sha256", "-mac", "HMAC", "-macopt", f"hexkey:{KEY.hex()}", "-binary"],
        input=content,
        capture_output=True,
        check=True,
    )
    return base64.b64encode(made.stdout).decode()


def test_it_is_told_once_and_signed_so_that_others_can_verify_it(tripped, receiver):
    alarms.tell()
    alarms.tell()

    [(path, headers, body)] = receiver.got
    sent = {name.lower(): value for name, value in headers.items()}
    signed = f"{sent['webhook-id']}.{sent['webhook-timestamp']}.".encode() + body
    assert path == "/midcall"
    assert sent["webhook-signature"] == f"v1,{hmac_of_openssl(signed)}"
    assert sent["webhook-signature"] != f"v1,{hmac_of_openssl(signed + b' ')}"
    assert abs(int(sent["webhook-timestamp"]) - time.time()) < 60
    told = json.loads(body)
    assert told["type"] == "brake.tripped"
    assert told["data"] | {"url": ""} == {
        "scope": tripped.scope,
        "about": tripped.about,
        "because": "21 texts in 10 minutes, and none is usual yet.",
        "kind": "volume",
        "figures": {"texts": 21, "usual": 0},
        "url": "",
    }
    notice = Notice.objects.get()
    assert (notice.tries, notice.next_try_at, notice.problem) == (1, None, "")
    assert notice.delivered_at


def test_it_is_tried_again_with_the_same_id_and_given_up_in_the_end(tripped, receiver):
    receiver.status = 503
    for _ in range(8):
        alarms.tell()
        due_again()

    assert len(receiver.got) == 1 + len(alarms.RETRY_DELAYS)
    assert len({headers["webhook-id"] for _, headers, _ in receiver.got}) == 1
    notice = Notice.objects.get()
    assert (notice.delivered_at, notice.next_try_at, notice.problem) == (None, None, "It answered 503.")


def test_one_that_fails_first_is_delivered_later(tripped, receiver):
    receiver.status = 500
    alarms.tell()
    alarms.tell()
    assert len(receiver.got) == 1

    receiver.status = 204
    due_again()
    alarms.tell()
    assert Notice.objects.get().delivered_at
    assert len(receiver.got) == 2


@pytest.fixture
def told(db):
    """Somebody who is told of each pause."""
    return factories.UserFactory(role="Admin", email="ada@example.com")


@pytest.fixture
def no_mail_server(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9


def test_an_e_mail_that_no_server_takes_is_sent_later_and_once(tripped, told, settings, mailoutbox, request):
    usual = settings.EMAIL_BACKEND
    request.getfixturevalue("no_mail_server")
    alarms.tell()
    alarms.tell()
    notice = Notice.objects.get()
    assert (notice.mail_tries, notice.mailed_at, mailoutbox) == (1, None, [])

    settings.EMAIL_BACKEND = usual
    for _ in range(2):
        due_again()
        alarms.tell()

    [mail] = mailoutbox
    assert tripped.about in mail.subject
    notice.refresh_from_db()
    assert notice.mailed_at and notice.next_mail_at is None


def test_an_e_mail_that_no_server_ever_takes_is_given_up_and_the_pause_says_so(
    tripped, told, no_mail_server, client
):
    client.force_login(told)
    page = reverse("admin:sms_pause_change", args=[tripped.pk])
    alarms.tell()
    assert "the mail server did not take it. It is tried again." in client.get(page).text

    for _ in range(8):
        due_again()
        alarms.tell()

    assert Notice.objects.get().mail_tries == 1 + len(alarms.RETRY_DELAYS)
    assert "The mail server did not take it, 5 times" in client.get(page).text


def test_an_e_mail_says_nothing_of_what_goes_on_again(tripped, told, settings, mailoutbox, request):
    usual = settings.EMAIL_BACKEND
    request.getfixturevalue("no_mail_server")
    alarms.tell()
    switches.resume(tripped, told.username, "It was us.")

    settings.EMAIL_BACKEND = usual
    due_again()
    alarms.tell()

    assert mailoutbox == []


def test_a_redirect_is_not_followed(tripped, receiver):
    receiver.status = 302

    alarms.tell()

    assert [path for path, _, _ in receiver.got] == ["/midcall"]
    assert Notice.objects.get().problem == "It answered 302."


def test_one_that_never_answers_is_not_waited_for(tripped, receiver, monkeypatch):
    monkeypatch.setattr(alarms, "TRY_SECONDS", 0.2)
    receiver.seconds = 2

    alarms.tell()

    assert Notice.objects.get().problem == "It did not answer in time."


def test_one_that_is_not_there_is_tried_again(tripped, receiver):
    Alarm.objects.update(url="http://127.0.0.1:9/")

    alarms.tell()

    notice = Notice.objects.get()
    assert notice.problem.startswith("It could not be reached")
    assert notice.next_try_at


@pytest.mark.parametrize(
    "url",
    [
        "http://alerts.example.com/",
        "http://127.0.0.1/",
        "http://169.254.169.254/latest/meta-data",
        "ftp://alerts.example.com/",
        "file:///etc/passwd",
        "https://user:password@alerts.example.com/",
        "https://",
        "https://[::1",
        "https://alerts.example.com:port/",
    ],
)
def test_an_address_that_is_not_safe_is_refused(settings, url):
    settings.DEMO = False

    assert alarms.refusal(url)


@pytest.mark.parametrize(
    "url", ["http://10.0.0.1/", "http://localhost.example.com/", "http://[::ffff:a00:1]/"]
)
def test_in_the_demo_plain_http_goes_to_this_machine_only(settings, url):
    settings.DEMO = True

    assert alarms.refusal(url)
    assert alarms.refusal("http://127.0.0.1:9000/") == alarms.refusal("http://localhost/") == ""


def test_an_address_that_was_stored_unsafe_gets_nothing(tripped, receiver, settings):
    settings.DEMO = False

    alarms.tell()

    assert receiver.got == []
    assert Notice.objects.get().problem.startswith("It must begin with https://")


class TestTheServersOwnNetwork:
    """Whoever may enter a webhook's address learns nothing of what only the server can reach."""

    @pytest.fixture
    def listening(self):
        """Something inside that nobody outside can reach."""
        with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as inside:
            inside.settimeout(0)
            yield inside

    @pytest.fixture
    def tried(self, tripped, settings, listening):
        def tried(host):
            settings.DEMO = False
            Alarm.objects.update(url=f"https://{host}:{listening.getsockname()[1]}/")
            alarms.tell()
            return Notice.objects.get().problem

        return tried

    @pytest.mark.parametrize(
        "host",
        [
            "localhost",
            "127.0.0.1",
            "0.0.0.0",
            "[::1]",
            "[::]",
            "[::ffff:127.0.0.1]",
            "[64:ff9b::7f00:1]",
            "10.0.0.1",
            "172.16.0.1",
            "192.168.0.1",
            "100.64.0.1",
            "169.254.169.254",
            "224.0.0.1",
            "[fd00::1]",
            "[fe80::1]",
        ],
    )
    def test_is_not_connected_to(self, tried, listening, host):
        assert tried(host).startswith("It leads into this server's own network.")
        with pytest.raises(BlockingIOError):
            listening.accept()

    def test_is_where_the_operator_names_it(self, tried, listening, settings):
        settings.WEBHOOK_NETWORKS = [ip_network("127.0.0.0/8")]

        def answered():
            listening.settimeout(10)
            listening.accept()[0].close()

        answering = threading.Thread(target=answered)
        answering.start()
        assert tried("127.0.0.1").startswith("It could not be reached")
        answering.join()


def test_one_that_hangs_does_not_keep_a_worker_from_texts(tripped, receiver):
    for _ in range(3):
        Notice.objects.create(kind="volume", next_try_at=tripped.since)

    alarms.tell(run_seconds=0)

    assert len(receiver.got) == 1
    alarms.tell()
    assert len(receiver.got) == 4


class TestThePage:
    @pytest.fixture
    def client(self, db):
        client = Client()
        client.force_login(factories.UserFactory(username="ann", role="Admin"))
        return client

    url = "/admin/campaigns/alarm/1/change/"
    filled = {"is_on": "on", "failed_percent": "50", "failed": "50"}

    def test_takes_a_webhook_with_its_secret_and_never_shows_that(self, client):
        webhook = {"url": "https://alerts.example.com/midcall"}
        assert "give it a secret" in client.post(self.url, {**self.filled, **webhook}).text
        assert (
            "whsec_ and 32 to 88 characters"
            in client.post(self.url, {**self.filled, **webhook, "new_secret": "whsec_short"}).text
        )
        assert not Alarm.objects.exists()

        assert client.post(self.url, {**self.filled, **webhook, "new_secret": SECRET}).status_code == 302
        page = client.get(self.url).text
        assert "One is stored" in page and SECRET not in page
        client.post(self.url, {**self.filled, **webhook, "failed": "60"})
        assert Alarm.objects.get().secret.reveal() == SECRET
        assert SECRET not in client.get(reverse("admin:campaigns_alarm_history", args=[1])).text

    def test_refuses_an_address_that_is_not_safe(self, client, settings):
        settings.DEMO = False

        refused = client.post(self.url, {**self.filled, "url": "http://10.0.0.1/", "new_secret": SECRET})

        assert "It must begin with https://" in refused.text
        assert SECRET not in refused.text

    def test_sends_a_test_and_says_what_came_of_it(self, client, receiver, settings):
        settings.DEMO = True
        Alarm.objects.create(pk=1, url=receiver.url, secret=SECRET)
        test = reverse("admin:campaigns_alarm_test")

        assert "has taken the test" in client.post(test, follow=True).text
        receiver.status = 404
        assert "It answered 404." in client.post(test, follow=True).text
        assert [json.loads(body)["type"] for _, _, body in receiver.got] == ["test", "test"]

    def test_is_left_empty_for_e_mail_alone(self, client):
        assert client.post(self.url, {**self.filled, "url": "", "new_secret": ""}).status_code == 302
        assert Alarm.objects.get().secret is None
