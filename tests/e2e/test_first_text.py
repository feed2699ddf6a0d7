"""From the tool call to the receipt, with every process real."""

from __future__ import annotations

import concurrent.futures
import signal
from collections import Counter

from twilio.request_validator import RequestValidator

from tests.processes import eventually, request


def test_a_tool_call_becomes_a_delivered_text(line):
    status, answer = line.fire("call-first", guests="four")
    assert (status, answer["status"]) == (200, "accepted")

    eventually(lambda: line.state(answer["messageId"]) == "delivered")

    [text] = [text for text in line.carrier.texts() if text["body"] == "Your table for four."]
    assert (text["to"], text["from"]) == ("+14155550123", "+13125550142")
    assert text["account_sid"] == line.account_sid
    events = line.rows(
        "SELECT state FROM sms_messageevent WHERE message_id = %s ORDER BY at, id", answer["messageId"]
    )
    states = [state for (state,) in events]
    # A receipt may overtake the answer to the request that it is about.
    assert states[0] == "submitting" and set(states) >= {"sent", "delivered"}


def test_the_runtime_can_ask_where_the_text_stands(line):
    answer = line.fire("call-ask", guests="five")[1]
    eventually(lambda: line.state(answer["messageId"]) == "delivered")

    from tests.e2e.conftest import SECRET

    status, state = request(
        f"{line.url}/c/line/messages/{answer['messageId']}", headers={"Authorization": f"Bearer {SECRET}"}
    )

    assert (status, state["state"], state["say"]) == (200, "delivered", "The text has arrived.")


def test_the_platforms_own_provider_needs_no_account(line):
    answer = line.fire("call-atlas", tool="note", message="The soup is 9 dollars.")[1]

    eventually(lambda: line.state(answer["messageId"]) == "delivered")

    [text] = [text for text in line.carrier.texts() if "soup" in text["body"]]
    assert (text["account_sid"], text["from"]) == (line.atlas_sid, "+13125550100")


def test_texts_queued_when_the_worker_is_killed_are_delivered_once(line):
    line.carrier.misbehave("answer_slow", seconds=0.4)
    before = len(line.carrier.texts())
    with concurrent.futures.ThreadPoolExecutor(8) as callers:
        answers = list(
            callers.map(lambda number: line.fire(f"call-kill-{number}", guests=str(number))[1], range(120))
        )
    eventually(lambda: len(line.carrier.texts()) > before)

    line.kill("worker")
    line.carrier.behave()
    more = [line.fire(f"call-dead-{number}", guests=f"{number} more")[1] for number in range(20)]
    line.start("worker")

    ids = [answer["messageId"] for answer in answers + more]
    eventually(lambda: all(line.state(message) == "delivered" for message in ids))
    # One that an earlier test has left may come in between.
    bodies = Counter(text["body"] for text in line.carrier.texts()[before:])
    own = [f"Your table for {number}." for number in range(120)]
    own += [f"Your table for {number} more." for number in range(20)]
    assert {body: bodies[body] for body in own} == dict.fromkeys(own, 1)


def test_a_worker_that_is_told_to_stop_leaves_nothing_in_doubt(line):
    line.carrier.misbehave("answer_slow", seconds=1)
    try:
        answers = [line.fire(f"call-stop-{number}", guests=f"stop {number}")[1] for number in range(30)]
        eventually(lambda: line.states().get("submitting"))

        line.kill("worker", signal.SIGTERM)

        assert not {"submitting", "unconfirmed"} & set(line.states())
    finally:
        line.carrier.behave()
        line.start("worker")
    eventually(lambda: all(line.state(answer["messageId"]) == "delivered" for answer in answers))


def test_without_a_doorbell_and_a_beat_the_worker_finds_what_is_due(line):
    answer = line.fire("call-poll", guests="six")[1]
    line.kill("beat")
    try:
        line.rows(
            """INSERT INTO sms_message (id, state, tool, provider, account_sid, sender, recipient, country,
                   body, segments, priority, attempt, refusals, next_attempt_at, expires_at, clean_listings,
                   reason, duplicate_detected, created_at, updated_at, profile_id)
               SELECT '00000000-0000-4000-8000-000000000001', 'queued', tool, provider, account_sid, sender,
                   recipient, country, 'No doorbell rang.', segments, 0, 0, 0, now(),
                   now() + interval '1 min', 0, '', false, now(), now(), profile_id
               FROM sms_message WHERE id = %s RETURNING id""",
            answer["messageId"],
        )
        eventually(lambda: line.state("00000000-0000-4000-8000-000000000001") == "delivered")
    finally:
        line.start("beat")


def test_a_receipt_is_believed_only_with_the_accounts_signature(line):
    line.carrier.misbehave("callbacks_dropped")
    try:
        answer = line.fire("call-forged", guests="seven")[1]
        eventually(lambda: line.state(answer["messageId"]) == "accepted")
    finally:
        line.carrier.behave()
    [(sid,)] = line.rows("SELECT provider_sid FROM sms_message WHERE id = %s", answer["messageId"])
    url = f"{line.url}/twilio/status/{answer['messageId']}/1"

    def receipt(token: str, url: str = url, **fields: str) -> int:
        import urllib.parse
        import urllib.request

        form = {
            "MessageSid": sid,
            "MessageStatus": "delivered",
            "AccountSid": line.account_sid,
            **fields,
        }
        asked = urllib.request.Request(url, urllib.parse.urlencode(form).encode())
        if token:
            asked.add_header("X-Twilio-Signature", RequestValidator(token).compute_signature(url, form))
        try:
            return urllib.request.urlopen(asked, timeout=10).status
        except urllib.error.HTTPError as error:
            return error.code

    unknown = url.replace(answer["messageId"], "00000000-0000-4000-8000-00000000dead")
    assert receipt("") == 403
    assert receipt("0" * 32) == 403
    assert receipt(line.atlas_token) == 403
    assert receipt(line.auth_token, url=unknown) == 403
    assert receipt(line.auth_token, AccountSid=line.atlas_sid) == 403
    assert receipt(line.auth_token, MessageStatus="<script>") == 400
    assert line.state(answer["messageId"]) == "accepted"

    assert receipt(line.auth_token) == 204
    assert line.state(answer["messageId"]) == "delivered"
