"""The pages and the commands for import and export."""

from __future__ import annotations

import io
import sys

import pytest
from django.contrib.sessions.models import Session
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from builder.exchange.exporting import FORMATS, export
from builder.models import Topic
from tests import factories
from tests.builder.exchange import FILE, WITH_WARNINGS, all_of_build, imported, may_all
from tests.builder.test_admin import allow, logged_in

IMPORT = reverse("admin:builder_topic_import")
CHECK = reverse("admin:builder_topic_import_check")


class TestThePages:
    def test_stand_on_the_three_lists_for_those_who_may(self, ann, bob):
        allow(bob, "view_topic")
        for name in ("builder_topic", "sms_smstemplate", "builder_smsaction"):
            page = logged_in(ann).get(reverse(f"admin:{name}_changelist")).text
            assert reverse(f"admin:{name}_import") in page and reverse(f"admin:{name}_export") in page
        page = logged_in(bob).get(reverse("admin:builder_topic_changelist")).text
        assert IMPORT not in page and reverse("admin:builder_topic_export") in page
        assert logged_in(bob).get(IMPORT).status_code == 403
        assert logged_in(bob).get(CHECK).status_code == 403
        assert logged_in(bob).get(reverse("admin:sms_smstemplate_export")).status_code == 403
        assert Client().get(IMPORT).status_code == 302

    def test_take_a_file_show_what_it_changes_and_import_it(self, ann):
        client = logged_in(ann)

        page = client.post(IMPORT, {"file": SimpleUploadedFile("build.yaml", FILE.encode())}, follow=True)

        assert "3 new" in page.text and not Topic.objects.exists()
        done = client.post(CHECK, {"seen": page.context["plan"].digest, "accept": "on"}, follow=True)
        assert "Imported: 3 added, 0 changed, 0 as they were." in done.text
        assert Topic.objects.get().owner == ann

    def test_show_it_anew_if_something_changed_meanwhile(self, ann):
        imported(FILE, ann)
        client = logged_in(ann)
        page = client.post(IMPORT, {"text": FILE.replace("Six", "Five")}, follow=True)
        Topic.objects.update(content="Seven minutes.")

        again = client.post(CHECK, {"seen": page.context["plan"].digest, "accept": "on"})

        assert "since you looked, something changed here" in again.text
        assert Topic.objects.get().content == "Seven minutes."
        client.post(CHECK, {"seen": again.context["plan"].digest, "accept": "on"})
        assert Topic.objects.get().content.startswith("Five minutes")

    def test_want_warnings_accepted(self, ann):
        factories.TemplateFactory(name="directions", owner=ann, body="Mill Lane.")
        client = logged_in(ann)
        page = client.post(IMPORT, {"text": WITH_WARNINGS}, follow=True)
        seen = page.context["plan"].digest

        assert "accept the warnings first" in client.post(CHECK, {"seen": seen}).text
        assert not Topic.objects.exists()
        client.post(CHECK, {"seen": seen, "accept": "on"})
        assert Topic.objects.exists()

    def test_keep_a_text_that_cannot_be_read_so_that_it_can_be_mended(self, ann):
        broken = FILE.replace("topics:", "topics")

        for data in ({"text": broken}, {"file": SimpleUploadedFile("build.yaml", broken.encode())}):
            page = logged_in(ann).post(IMPORT, data)
            assert "Line 20" in page.text or "Line 19" in page.text
            assert "Six minutes on foot" in page.text

    def test_give_back_a_text_with_errors_to_mend_it(self, ann):
        client = logged_in(ann)
        page = client.post(IMPORT, {"text": "Topic,Actions\nBad,Call {{nothing}}.\n"}, follow=True)

        assert "line 2" in page.text and "There is no SMS template called “nothing”" in page.text
        assert "Call {{nothing}}." in client.get(f"{IMPORT}?again=1").text
        assert "Call {{nothing}}." not in client.get(IMPORT).text

    @pytest.mark.parametrize(
        ("data", "says"),
        [
            ({}, "Choose a file, or paste its text"),
            ({"text": "x", "file": SimpleUploadedFile("x.csv", b"Topic\nx\n")}, "give one of them"),
            ({"file": SimpleUploadedFile("x.csv", b"")}, "There is nothing in it"),
            ({"file": SimpleUploadedFile("x.csv", b"Topic\n" + b"x" * 3_000_000)}, "2 MB is the most"),
            ({"text": "no such thing"}, "This is no file that Midcall reads"),
        ],
    )
    def test_say_what_is_wrong_with_what_was_given(self, ann, data, says):
        assert says in logged_in(ann).post(IMPORT, data).text

    def test_keep_one_text_a_person_and_forget_it_when_it_is_imported(self, ann, bob):
        client = logged_in(ann)
        before = Session.objects.count()
        for _ in range(3):
            page = client.post(IMPORT, {"text": FILE}, follow=True)
        assert Session.objects.count() == before + 1

        client.post(CHECK, {"seen": page.context["plan"].digest, "accept": "on"})

        assert Session.objects.count() == before
        assert "choose it again" in client.get(CHECK, follow=True).text

    def test_show_a_hostile_text_as_it_stands(self, ann):
        sheet = 'Topic,Content\n<script>alert(1)</script>,"</textarea><b onmouseover=x>"\n'

        page = logged_in(ann).post(IMPORT, {"text": sheet}, follow=True).text

        assert "<script>alert" not in page and "<b onmouseover" not in page and "&lt;script&gt;" in page

    def test_hand_out_the_formats_of_each_list(self, ann):
        imported(FILE, ann)
        client = logged_in(ann)
        url = reverse("admin:builder_topic_export")

        assert "topics.csv" in client.get(url).text and "sms_templates.yaml" not in client.get(url).text
        response = client.get(url, {"format": "csv"})
        assert response["Content-Disposition"] == 'attachment; filename="topics.csv"'
        assert response.content.decode() == export(FORMATS["csv"])
        assert client.get(url, {"format": "adk"}).status_code == 404
        assert (
            client.get(reverse("admin:builder_smsaction_export"), {"format": "midcall"}).text
            == all_of_build()
        )


class TestAPageOfManyEntries:
    SHEET = "Topic,Content\n" + "".join(f"Topic {number:03},New {number:03}\n" for number in range(250))
    CONSENT = (
        "midcall: 1\ntemplates:\n- {name: sly, description: d, body: Hi, transactional: true, "
        "transactional_because: They call for it}\n"
        "topics:\n" + "".join(f"- {{name: Topic {number:03}, content: New}}\n" for number in range(250))
    )

    @pytest.fixture
    def look(self, ann):
        """The page of differences of a text, and that of another page of it."""
        client = logged_in(ann)

        def look(text, page=""):
            client.post(IMPORT, {"text": text})
            return client.get(CHECK, {"page": page} if page else {})

        return look

    def test_names_each_and_what_changes_in_it(self, ann, look):
        for number in range(3):
            factories.TopicFactory(name=f"Topic {number:03}", owner=ann)

        page = look(self.SHEET).text

        assert all(page.count(f">Topic {number:03}<") == 1 for number in range(250))
        assert "New 001" in page and "New 099" in page and "New 100" not in page
        assert 'href="?page=2#entry100">Topic 100</a>' in page
        assert "topic, line 102 · Content" in page

    def test_shows_each_in_full_on_one_of_its_pages(self, look):
        pages = [look(self.SHEET, number).text for number in "123"]

        for number in range(250):
            assert [f"New {number:03}" in page for page in pages] == [
                number // 100 == here for here in range(3)
            ]
        assert 'id="entry249"' in pages[2] and 'aria-current="page">3<' in pages[2]

    @pytest.mark.parametrize("page", ["0", "9", "x", "²", "-1", "9" * 30])
    def test_is_there_whatever_page_is_asked_for(self, look, page):
        assert look(self.SHEET, page).status_code == 200

    def test_says_first_what_would_be_sent_without_consent(self, look):
        page = look("\n".join(self.CONSENT.splitlines()[:1] + self.CONSENT.splitlines()[3:])).text
        assert "No consent needed" not in page

        page = look(self.CONSENT).text

        assert page.index("No consent needed: the agent will text callers") < page.index("Topic 000")
        assert "Import with 1 warning" in page

    def test_imports_all_of_them_from_whichever_page(self, ann, look):
        page = look(self.SHEET, "2")

        page.client.post(f"{CHECK}?page=2", {"seen": page.context["plan"].digest})

        assert Topic.objects.count() == 250


class TestTheCommands:
    @pytest.fixture
    def run(self, tmp_path, capsys):
        def run(text, *arguments):
            file = tmp_path / "build.yaml"
            file.write_text(text)
            try:
                call_command("import_build", str(file), *arguments)
                code = 0
            except SystemExit as ended:
                code = ended.code
            except CommandError as error:
                code = error.returncode
            said = capsys.readouterr()
            return code, said.out, said.err.replace(str(tmp_path), "")

        return run

    def test_export_to_a_file_and_import_it_again(self, ann, tmp_path, run):
        imported(FILE, ann)
        file = tmp_path / "out.yaml"

        call_command("export_build", str(file))

        assert file.read_bytes() == all_of_build().encode()
        Topic.objects.update(content="")
        code, out, _ = run(file.read_text())
        assert code == 0
        assert "~ topic “Finding us”\n    Content\n    + Six minutes on foot" in out
        assert "Imported: 0 new, 1 changed, 2 unchanged." in out
        assert run(file.read_text())[1] == "Nothing to import: 0 new, 0 changed, 3 unchanged.\n"

    def test_write_to_the_standard_output_and_read_from_the_standard_input(self, ann, capsys, monkeypatch):
        imported(FILE, ann)
        call_command("export_build", "--format", "csv")
        text = capsys.readouterr().out
        Topic.objects.all().delete()
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))

        call_command("import_build", "-")

        assert Topic.objects.get().questions == ["Where are you?", "Is there parking?"]

    def test_a_dry_run_says_what_it_would_do(self, ann, run):
        code, out, _ = run(FILE, "--dry-run")

        assert (code, Topic.objects.exists()) == (0, False)
        assert "+ SMS template “directions”" in out and "it would be: 3 new" in out

    def test_an_error_is_named_like_a_compilers_and_ends_with_1(self, ann, run):
        code, out, err = run("midcall: 1\ntopics:\n- name: x\n  actions: Call {{nothing}}.\n")

        assert code == 1 and not Topic.objects.exists()
        assert err.startswith("/build.yaml:4: error: topic “x”: There is no SMS template called “nothing”.")
        assert "Nothing was imported: 1 error" in out
        assert run("midcall: 1\ntopics: {")[::2] == (1, run("midcall: 1\ntopics: {")[2])
        assert "/build.yaml:" in run("midcall: 1\ntopics: {")[2]

    def test_warnings_end_with_3_until_they_are_accepted(self, ann, run):
        factories.TemplateFactory(name="directions", owner=ann, body="Mill Lane.")

        code, _, err = run(WITH_WARNINGS)
        assert code == 3 and "warning: topic “Finding us”" in err and not Topic.objects.exists()
        assert run(WITH_WARNINGS, "--accept-warnings")[0] == 0 and Topic.objects.exists()

    def test_whoever_imports_must_be_named_where_it_is_not_clear(self, ann, bob, run):
        factories.UserFactory(username="eve", is_superuser=True)

        assert run(FILE)[0] == 2
        assert run(FILE, "--owner", "nobody")[0] == 2
        assert run(FILE, "--owner", "bob")[0] == 1
        may_all(bob)
        assert run(FILE, "--owner", "bob")[0] == 0
        assert Topic.objects.get().owner == bob
        with pytest.raises(CommandError, match="No such file"):
            call_command("import_build", "nowhere.yaml", "--owner", "bob")
