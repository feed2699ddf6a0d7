"""Files that are made to take long: each is answered soon and in words, and nothing is half-imported."""

from __future__ import annotations

import random
import time
from contextlib import contextmanager

import pytest
from django.db import connection
from django.urls import reverse

from builder.exchange import importing, read
from builder.exchange.differences import Differences
from builder.exchange.document import MAX_BYTES, Level, Unreadable
from builder.exchange.importing import MOST_ERRORS, carry_out
from builder.exchange.plan import Plan, Status, Step
from builder.exchange.yamls import written
from builder.models import Topic
from sms.changes import Change
from tests import factories
from tests.builder.exchange import Nowhere, planned
from tests.builder.test_admin import logged_in

MOST_SECONDS = 5
CHECK = reverse("admin:builder_topic_import_check")


@contextmanager
def bounded(seconds=MOST_SECONDS):
    started = time.thread_time()
    yield
    assert time.thread_time() - started < seconds


def said_of(text):
    """What is said of the entries of a file, as far as it can be read."""
    try:
        return [notice.message for entry in read(text.encode()).entries for notice in entry.notices]
    except Unreadable as error:
        return [str(error)]


class TestReading:
    def test_stops_in_an_entry_after_twenty_errors(self):
        keys = "".join(f"  questons{number}: \n" for number in range(2000))
        with bounded(1):
            found = said_of(f"midcall: 1\ntopics:\n- name: a\n{keys}- name: b\n  contnet: c\n")

        assert found[0] == "There is no key “questons0” here; “questions” is one."
        assert found[20] == "There is more to mend from here on: mend these first, then look again."
        assert found[21:] == ["There is no key “contnet” here; “content” is one."]

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            (
                "midcall: 1\ntopics:\n- name: a\n" + "".join(f"  questons{n:06}: \n" for n in range(97_000)),
                "more in it than in any file of ours",
            ),
            (
                "midcall: 1\ntopics:\n" + "".join(f"- contnet{n}: x\n  contnet: y\n" for n in range(2000)),
                "There is no key",
            ),
            (
                "midcall: 1\ntemplates:\n- name: a\n  body: x\n  variables:\n"
                + "".join(f"    v{n}: {{source: z}}\n" for n in range(20_000)),
                "There are 20000 variables, and 50 is the most.",
            ),
            (
                "midcall: 1\ntemplates:\n- name: a\n  body: x\n  translations:\n"
                + "".join(f"    v{n}: x\n" for n in range(20_000)),
                "There are 20000 translations, and 30 is the most.",
            ),
            (
                "sms_templates:\n- name: a\n  text: '"
                + "".join(f"{{{{fn:{n}}}}}" for n in range(150_000))
                + "'\n",
                "1,600 is the most",
            ),
            (
                "sms_templates:\n- name: a\n  text: '"
                + "".join(f"{{{{vrbl:v{n}}}}}" for n in range(120_000))
                + "'\n",
                "1,600 is the most",
            ),
            ('Topic,Content\na,"x' + "\t" * 120_000 + 'x"\n', "10,000 is the most"),
            ('Topic,Content\na,"' + ";'" * 60_000 + '"\n', "10,000 is the most"),
        ],
        ids=["keys", "keys of many", "variables", "translations", "tokens", "names", "tabs", "separators"],
    )
    def test_of_what_is_made_to_take_long_ends_soon(self, text, says):
        assert len(text) < MAX_BYTES
        with bounded():
            found = said_of(text)

        assert says in " ".join(found)


class TestLooking:
    def test_stops_after_so_many_errors_and_says_so(self, ann):
        for number in range(300):
            factories.TemplateFactory(name=f"template_number_{number:03}_of_many", owner=ann)
        misspelt = "".join(f"{{{{template_numbr_{number:03}_of_man}}}} " for number in range(330))[:9900]
        topics = [{"name": f"Topic {number}", "actions": misspelt} for number in range(120)]

        with bounded():
            plan = planned(written({"midcall": 1, "topics": topics}), ann)

        assert MOST_ERRORS <= len(plan.errors) < MOST_ERRORS + 50
        assert plan.errors[0].message.startswith("What comes after these was not looked at")

    def test_ends_in_words_when_the_time_is_over(self, ann, monkeypatch):
        clock = iter(range(0, 1000, MOST_SECONDS - 1))
        monkeypatch.setattr(importing, "monotonic", lambda: next(clock))

        with pytest.raises(Unreadable, match="Split it, and import the parts in turn"):
            planned("Topic\na\nb\nc\n", ann)

    @pytest.mark.django_db(transaction=True)
    @pytest.mark.parametrize("limit", ["statement_timeout", "idle_in_transaction_session_timeout"])
    def test_that_the_database_breaks_off_is_said_in_words_and_nothing_is_imported(self, ann, limit):
        factories.TopicFactory(name="Old", owner=ann)

        class Slow(Nowhere):
            def reaches_of(self, topics):
                with connection.cursor() as cursor:
                    cursor.execute(f"SET LOCAL {limit} = '50ms'")
                    if limit == "statement_timeout":
                        cursor.execute("SELECT pg_sleep(5)")
                time.sleep(0.5)
                return {}

        with pytest.raises(Unreadable, match="The database broke it off"):
            carry_out(read(b"Topic,Content\nOld,x\nNew,y\n"), ann, Slow(), lambda plan: True)

        assert [(topic.name, topic.content) for topic in Topic.objects.all()] == [("Old", "")]

    def test_too_long_brings_one_back_to_the_text(self, ann, monkeypatch):
        client = logged_in(ann)
        client.post(reverse("admin:builder_topic_import"), {"text": "Topic\na\n"})
        monkeypatch.setattr(importing, "MOST_SECONDS", -1)

        page = client.get(CHECK, follow=True)

        assert page.redirect_chain[-1][0].endswith("?again=1")
        assert "Split it, and import the parts in turn" in page.text and "Topic\na" in page.text


class TestComparing:
    @staticmethod
    def change(count):
        chance = random.Random(1)
        texts = ("".join(chance.choice("ab") + "\n" for _ in range(count)) for _ in range(2))
        return Change("Content", *texts)

    def test_goes_by_words_then_by_lines_and_then_not_at_all(self):
        by_words = list(Change("Content", "Six minutes", "Five minutes").pieces())
        same = "".join(f"{number} minutes on foot from there\n" for number in range(150))
        by_lines = list(Change("Content", f"{same}By car.\n", f"{same}By train.\n").pieces())
        long = self.change(5000)

        assert by_words == [("-", "Six"), ("+", "Five"), ("=", " minutes")]
        assert by_lines == [("=", same), ("-", "By car.\n"), ("+", "By train.\n")]
        assert list(long.pieces()) == [("-", long.before), ("+", long.after)]

    @pytest.mark.parametrize("count", [150, 300, 590, 5000])
    def test_takes_no_longer_on_a_page_of_texts_that_are_all_alike(self, ann, count):
        changes = tuple(self.change(count) for _ in range(5))
        steps = [
            Step(status=Status.CHANGED, kind="topic", name=str(number), line=number, changes=changes, pk=None)
            for number in range(100)
        ]

        with bounded():
            (section,) = Differences(Plan("x", steps), ann, 1).sections()

        _, before, after = section.here[-1].changes[-1]
        assert [sign for sign, _ in before + after] == ["-", "+"]
        assert all(len(piece) < 3100 for _, piece in before + after)


def test_an_entry_says_all_its_warnings_however_many():
    entry = read(b"Topic\na\n").entries[0]
    for number in range(100):
        entry.say(Level.WARNING, str(number))
        entry.say(Level.NOTE, str(number))

    assert (entry.count(Level.WARNING), entry.count(Level.NOTE)) == (100, 21)
