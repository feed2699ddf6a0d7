"""The page of Atlas in a real browser, against the simulated carrier."""

from __future__ import annotations

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from sms.models import AtlasDay, UserProfile
from tests import factories
from tests.browser.test_credentials import LOOKS, fits
from tests.browser.tools import barriers, in_browser
from tests.sms.test_admin import allow

PAGE = reverse("admin:sms_userprofile_atlas")

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ada(olive, carrier, settings):
    """Olive, a superuser, and others of whom one may not use Atlas; a cap of which something is used."""
    settings.ATLAS_MAX_PER_DAY = 500
    olive.is_staff = olive.is_superuser = True
    olive.save()
    pete = factories.UserFactory(username="pete", is_staff=True)
    factories.UserFactory(username="somebody_with_a_name_that_is_rather_long@restaurant.example.com")
    UserProfile.objects.filter(user=pete).update(atlas_enabled=False)
    for _ in range(7):
        AtlasDay.take(olive.pk)
    return olive


@pytest.mark.parametrize("look", LOOKS)
def test_it_is_checked_and_somebody_gets_it(ada, live_server, look):
    def use(page: Page) -> list[str]:
        page.goto(PAGE)
        expect(page.get_by_text("not checked yet")).to_be_visible()
        found = barriers(page)
        page.get_by_role("button", name="Check now").click()
        expect(page.get_by_text("Atlas works.")).to_be_visible()
        expect(page.get_by_text("The account may text from +13125550100.")).to_be_visible()
        page.get_by_role("button", name="Enable Atlas for pete").press("Enter")
        expect(page.get_by_text("pete may send with Atlas.")).to_be_visible()
        expect(page.get_by_role("button", name="Disable Atlas for pete")).to_be_visible()
        expect(page.get_by_text("7 of 500 today")).to_be_visible()
        assert fits(page)
        return found + barriers(page)

    assert in_browser(live_server.url, use, **LOOKS[look]) == []
    assert UserProfile.objects.get(user__username="pete").atlas_enabled


@pytest.mark.parametrize("look", ["light_desk", "dark_phone"])
def test_others_read_what_concerns_them_and_where_it_is_missing_what_to_do(ada, live_server, settings, look):
    def read(page: Page) -> list[str]:
        page.goto(PAGE)
        expect(page.get_by_text("Atlas is enabled for you")).to_be_visible()
        assert page.get_by_role("button", name="Check now").count() == 0
        assert fits(page)
        return barriers(page)

    ada.is_superuser = False
    ada.save()
    allow(ada, "view_smstemplate", "add_smstemplate")
    assert in_browser(live_server.url, read, **LOOKS[look]) == []

    def unset(page: Page) -> list[str]:
        page.goto(PAGE)
        expect(page.get_by_role("heading", name="Atlas is not set up")).to_be_visible()
        assert fits(page)
        return barriers(page)

    settings.ATLAS_ACCOUNT_SID = ""
    allow(ada, "administer")
    assert in_browser(live_server.url, unset, **LOOKS[look]) == []
