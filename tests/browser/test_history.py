"""The history in a real browser: of one object, of everything, and of what there is no longer."""

from __future__ import annotations

import pghistory
import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from builder.models import Topic
from sms.models import SmsTemplate, Variable
from tests import factories
from tests.browser.tools import barriers, in_browser

LOOKS = {
    "light_desk": {"color_scheme": "light"},
    "dark_desk": {"color_scheme": "dark"},
    "light_phone": {"color_scheme": "light", "viewport": {"width": 390, "height": 844}},
    "dark_phone": {"color_scheme": "dark", "viewport": {"width": 390, "height": 844}},
}

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def template(olive):
    """Olive, a superuser, with a template that several people have changed, and a topic that is gone."""
    olive.is_staff = olive.is_superuser = True
    olive.save()
    with pghistory.context(command="import_build"):
        template = factories.TemplateFactory(name="booking_confirmation", owner=olive)
        topic = factories.TopicFactory(name="Old opening hours", owner=olive, content="Noon to ten.")
    with pghistory.context(user=olive.pk, name="olive"):
        variable = factories.VariableFactory(template=template, name="day")
        template.body = (
            "Olive & Thyme: your table for {{ guests }} is booked for {{ day }}.\nTo change it, call us."
        )
        template.send_within_seconds = 1800
        template.save()
        variable.source, variable.fixed_text = Variable.Source.FIXED, "Friday"
        variable.save()
    with pghistory.context(user=0, name="a_colleague_with_a_long_name"):
        SmsTemplate.objects.update(
            body="Your table for {{ guests }} is booked for {{ day }}.\nTo change it, write."
        )
        Topic.objects.filter(pk=topic.pk).delete()
    olive.sms_profile.twilio_auth_token = "0" * 32
    olive.sms_profile.save()
    return template


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


@pytest.mark.parametrize("look", LOOKS)
def test_who_changed_what_of_a_template_is_read_line_by_line(template, live_server, look):
    def read(page: Page) -> list[str]:
        page.goto(reverse("admin:sms_smstemplate_change", args=[template.pk]))
        if "phone" in look:
            page.get_by_role("button", name="More").click()
        page.locator("a[href$='/history/']").last.click()
        expect(page.get_by_role("heading", name="What changed")).to_be_visible()
        steps = page.locator(".mc-history > li")
        expect(steps).to_have_count(5)
        expect(steps.first).to_contain_text("a_colleague_with_a_long_name")
        expect(steps.first.locator("del").last).to_have_text(" call us")
        expect(steps.last).to_contain_text("Command line: import_build")
        steps.last.locator("summary").press("Enter")
        expect(steps.last.get_by_text("Twilio (the owner's own account)")).to_be_visible()
        assert fits(page)
        return barriers(page)

    assert in_browser(live_server.url, read, **LOOKS[look]) == []


@pytest.mark.parametrize("look", LOOKS)
def test_what_was_deleted_is_found_by_who_and_what(template, live_server, look):
    def find(page: Page) -> list[str]:
        page.goto(reverse("admin:auth_user_changes"))
        expect(page.get_by_text("Auth Token: changed")).to_be_visible()
        assert fits(page)
        found = barriers(page)
        page.get_by_role("textbox", name="Who").fill("a_colleague_with_a_long_name")
        page.get_by_role("combobox", name="How").select_option(label="Deleted or removed")
        page.get_by_role("button", name="Show", exact=True).click()
        expect(page.locator(".mc-history > li")).to_have_count(1)
        page.get_by_role("link", name="Managed topic “Old opening hours”").click()
        expect(page.locator(".mc-history > li")).to_have_count(2)
        page.locator("summary").first.click()
        expect(page.get_by_text("Noon to ten.").first).to_be_visible()
        assert fits(page)
        return found + barriers(page)

    assert in_browser(live_server.url, find, **LOOKS[look]) == []


def test_nothing_that_fits_is_said_with_a_way_back(template, live_server):
    def find(page: Page) -> None:
        page.goto(reverse("admin:auth_user_changes") + "?who=nobody&since=1h")
        expect(page.get_by_text("Nothing that was changed fits this.")).to_be_visible()
        page.get_by_role("link", name="Show everything").click()
        assert page.locator(".mc-history > li").count() > 5

    in_browser(live_server.url, find, java_script_enabled=False)
