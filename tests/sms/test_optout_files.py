"""Opt-outs as a file: imported whole or not at all, after a look, and exported for another system."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from sms import optout_files, outbox
from sms.models import Message, OptOut, State
from tests import factories

IMPORT, EXPORT = reverse("admin:sms_optout_import"), reverse("admin:sms_optout_export")
ONE, TWO = "+14155550123", "+442079460123"


@pytest.fixture
def bob(db):
    client = Client()
    client.force_login(factories.UserFactory(username="bob", role="Ops"))
    return client


def numbers() -> list[str]:
    return sorted(OptOut.objects.values_list("recipient", flat=True))


class TestImporting:
    def test_shows_first_what_is_new_and_stores_it_when_somebody_agrees(self, bob):
        outbox.opt_out(TWO, OptOut.Source.KEYWORD)
        waiting = factories.MessageFactory(recipient=ONE)
        text = f"{ONE}\n+44 20 7946 0123\n{ONE}\n"

        page = bob.post(IMPORT, {"text": text}).text
        assert numbers() == [TWO]
        assert "Opt out 1 number?" in page

        bob.post(IMPORT, {"text": text, "confirmed": "1"})
        assert numbers() == sorted([ONE, TWO])
        stored = OptOut.objects.get(recipient=ONE)
        assert (stored.created_by.username, stored.evidence) == ("bob", "Imported from a list")
        waiting.refresh_from_db()
        assert waiting.state == State.BLOCKED

    def test_of_a_list_with_an_error_stores_nothing_and_names_the_line(self, bob):
        text = f"Number;What they said\n{ONE};Stop it\n\n555-0100;\nnobody;\n"

        page = bob.post(IMPORT, {"text": text, "confirmed": "1"}).text

        assert numbers() == []
        assert "Line 4" in page
        assert "Line 5" in page
        assert "Opt them out" not in page

    def test_reads_local_numbers_in_the_country_that_is_named(self, bob):
        bob.post(IMPORT, {"text": "020 7946 0123", "country": "gb", "confirmed": "1"})

        assert numbers() == [TWO]

    def test_asks_for_the_country_again_where_it_is_missing(self, bob):
        page = bob.post(IMPORT, {"text": "020 7946 0123", "country": ""}).text

        assert "Nothing can be imported yet" in page and 'id="id_country"' in page

    @pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
    def test_reads_a_sheet_as_spreadsheets_save_it(self, bob, encoding):
        data = f"Phone number,Evidence\r\n'{ONE},Café\r\n".encode(encoding)

        page = bob.post(IMPORT, {"file": SimpleUploadedFile("stop.csv", data)}).text
        assert "Opt out 1 number?" in page
        assert optout_files.read(optout_files.decoded(data)).new == {ONE: "Café"}

    def test_leaves_out_what_an_export_says_is_lifted_or_forgotten(self, bob):
        for number in (ONE, TWO):
            outbox.opt_out(number, OptOut.Source.KEYWORD, "=STOP")
        outbox.opt_in(TWO, "Asked us to")
        outbox.keep_unreadable(ONE)
        outbox.opt_out("+14155550177", OptOut.Source.CALL, "No more")
        sheet = bob.get(EXPORT).getvalue().decode("utf-8-sig")
        assert "'=STOP" in sheet
        assert ONE not in sheet

        found = optout_files.read(sheet)

        assert (found.new, found.known, found.left_out, found.errors) == ({}, 1, 2, [])

    @pytest.mark.parametrize(
        ("given", "said"),
        [
            ({"text": " "}, "Choose a file, or paste its text"),
            ({"text": "\n\n,,\n"}, "There is no number in it"),
            ({"text": "a\0b"}, "Null characters are not allowed"),
            ({"text": 'Number\n"+1415'}, "cannot be read"),
            ({"text": ONE, "country": "XX"}, "Write the country as two letters"),
            ({"text": "\n".join([ONE] * 10_002)}, "more than 10,000 lines"),
            ({"file": SimpleUploadedFile("a.csv", b"1" * 400_001)}, "larger than 400 KB"),
            ({"file": SimpleUploadedFile("a.csv", b"PK\x03\x04\0\0")}, "The file is no text"),
            ({"file": SimpleUploadedFile("a.csv", b"\xff\xfe\x00")}, "The file is no text"),
        ],
    )
    def test_of_what_is_no_list_says_what_to_do(self, bob, given, said):
        answer = bob.post(IMPORT, {**given, "confirmed": "1"})

        assert answer.status_code == 200
        assert said in answer.text
        assert numbers() == []

    def test_of_ten_thousand_is_one_step(self, bob):
        text = "\n".join(f"+1415555{number:04}" for number in range(10_000))

        bob.post(IMPORT, {"text": text, "confirmed": "1"})

        assert OptOut.objects.count() == 10_000
        assert not Message.objects.exists()
