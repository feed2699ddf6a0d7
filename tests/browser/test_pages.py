"""All pages in a real browser: nothing overflows, nothing fails to load, and what moves works."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from campaigns import switches
from campaigns.models import Call, Connection, Consent, ToolCall
from sms import outbox, text
from sms.models import CAMPAIGN_CHARACTERS, Forgotten, OptOut, Pause, Sender, SmsTemplate, State
from tests import factories
from tests.browser.tools import in_browser

PASSWORD = "a long passphrase of a test"
WIDTHS = {1440: 900, 390: 844}

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def campaign(olive):
    """Olive, a superuser, with one of each thing and every long word that a page may have to bear."""
    olive.is_staff = olive.is_superuser = True
    olive.save()
    long_name = "a_template_with_a_name_of_sixty_four_characters_which_is_the_most"[:64]
    template = factories.TemplateFactory(name=long_name, owner=olive, body="Ünïcödé — “quoted” " * 40)
    topic = factories.TopicFactory(
        name="T" * 100, actions=f"Call {{{{{long_name}}}}}.", questions=["Where? " * 20], content="C" * 500
    )
    campaign = factories.CampaignFactory(name="Olive & Thyme booking line " * 3, owner=olive)
    campaign.topics.add(topic)
    action = factories.ActionFactory(name=long_name[:-1] + "x", owner=olive, description="D" * 300)
    factories.AttachmentFactory(campaign=campaign, action=action)
    connection = factories.ConnectionFactory(campaign=campaign, name="N" * 100)
    call = Call.objects.create(
        connection=connection, external_id="i" * 255, caller_number="+14155550123", caller_name="A" * 100
    )
    for number, state in enumerate(State):
        message = factories.MessageFactory(
            tool=long_name, template=template, profile=olive.sms_profile, state=state,
            body="W" * (300 + number), reason="R" * 200, attempt=number % 3, provider_sid=f"SM{number:032x}",
        )  # fmt: skip
        message.events.create(state=state, detail="E" * 200, provider_status=str(number))
        ToolCall.objects.create(
            call=call, key=f"{number}" * 90, tool=long_name, outcome="accepted", say="S" * 200,
            message=message, parameters={"consent": "Y" * 200},
        )  # fmt: skip
    fired = ToolCall.objects.filter(call=call).first()
    Consent.objects.create(recipient="+14155550123", words="Y" * 400, tool_call=fired, campaign=campaign)
    Sender.objects.update_or_create(
        account_sid=factories.ACCOUNT_SID,
        address="+13125550142",
        defaults={"messages_per_second": 1, "held_at": timezone.now(), "held_because": "B" * 300},
    )
    outbox.opt_out("+14155550199", OptOut.Source.KEYWORD, "E" * 300)
    switches.pause(factories.CampaignFactory(name="P" * CAMPAIGN_CHARACTERS, owner=olive), "B" * 300, "olive")
    Forgotten.objects.create(digest="#" * 32, by="olive", because="B" * 300, erased={"texts": 3})
    return campaign


def all_pages(campaign) -> list[str]:
    lists = [
        "builder_topic", "builder_smsaction", "sms_smstemplate", "campaigns_campaign", "sms_message",
        "sms_sender", "campaigns_call", "sms_optout", "campaigns_consent", "auth_user", "auth_group",
    ]  # fmt: skip
    read_only = {"sms_message", "sms_sender", "campaigns_call", "campaigns_consent"}
    found = [reverse("admin:index"), reverse("admin:sms_userprofile_me"), reverse("admin:password_change")]
    found += [reverse(f"admin:{name}_changelist") for name in lists]
    found += [reverse(f"admin:{name}_add") for name in lists if name not in read_only]
    things = [
        campaign, campaign.topics.get(), campaign.actions.get(), campaign.owner, Call.objects.get(),
        Consent.objects.get(), OptOut.objects.get(), Sender.objects.get(), Forgotten.objects.get(),
        *[fired.message for fired in ToolCall.objects.select_related("message").order_by("pk")[7:9]],
    ]  # fmt: skip
    for thing in things:
        found.append(
            reverse(f"admin:{thing._meta.app_label}_{thing._meta.model_name}_change", args=[thing.pk])
        )
    found += [
        reverse(f"admin:campaigns_campaign_{page}", args=[campaign.pk])
        for page in ("integrations", "agent", "safeguards", "connect", "brake")
    ]
    pause = Pause.objects.get()
    found += [
        reverse("admin:sms_pause_changelist"),
        reverse("admin:sms_pause_change", args=[pause.pk]),
        reverse("admin:sms_pause_resume", args=[pause.pk]),
        reverse("admin:sms_pause_thing", args=["campaign", campaign.pk]),
        reverse("admin:sms_pause_everything"),
        reverse("admin:campaigns_alarm_change", args=[1]),
    ]
    ids = [campaign.pk, Connection.objects.get().pk]
    found += [
        reverse(f"admin:campaigns_campaign_{page}", args=ids) for page in ("connection", "secret", "revoke")
    ]
    topic = campaign.topics.get()
    found += [
        reverse("admin:builder_topic_delete", args=[topic.pk]),
        reverse("admin:sms_smstemplate_delete", args=[SmsTemplate.objects.get().pk]),
    ]
    found.append(reverse("admin:sms_optout_lift", args=[OptOut.objects.get().pk]))
    found += [reverse("admin:auth_user_changes"), reverse("admin:sms_userprofile_atlas")]
    found += [reverse("admin:sms_optout_import"), reverse("admin:sms_forgotten_changelist")]
    caller = "?number=%2B14155550123"
    found += [reverse(f"admin:sms_message_{page}") + caller for page in ("number", "forget")]
    found.append(reverse("admin:campaigns_consent_evidence") + caller)
    found += [
        reverse(f"admin:{thing._meta.app_label}_{thing._meta.model_name}_history", args=[thing.pk])
        for thing in (campaign, topic, SmsTemplate.objects.get())
    ]
    return [*found, "/admin/sms/message/?q=nothing", "/admin/sms/message/?state__exact=failed&since=24h"]


def test_every_page_fits_a_desk_and_a_phone_in_light_and_dark(campaign, live_server):
    pages = all_pages(campaign)

    def walk(page: Page) -> list[str]:
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
        page.on(
            "console", lambda said: said.type == "error" and complaints.append(f"{page.url}: {said.text}")
        )
        page.on(
            "response",
            lambda got: got.status >= 400 and complaints.append(f"{page.url}: {got.url} {got.status}"),
        )
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            for address in pages:
                page.goto(address)
                if page.evaluate("document.documentElement.classList.contains('dark')") != (scheme == "dark"):
                    complaints.append(f"{address} is not {scheme}")
                for width, height in WIDTHS.items():
                    page.set_viewport_size({"width": width, "height": height})
                    excess = page.evaluate("document.scrollingElement.scrollWidth - innerWidth")
                    if excess > 0:
                        complaints.append(f"{address} is {excess} px too wide at {width}")
        return complaints

    complaints = in_browser(live_server.url, walk)
    assert not complaints, "\n".join(complaints)


def test_the_log_in_page_fits_and_shows_no_secret(live_server, olive):
    def look(page: Page) -> str:
        page.context.clear_cookies()
        page.set_viewport_size({"width": 390, "height": 844})
        page.goto("/admin/")
        assert page.evaluate("document.scrollingElement.scrollWidth <= innerWidth")
        return page.content()

    olive.is_staff = olive.is_superuser = True
    olive.set_password(PASSWORD)
    olive.save()
    content = in_browser(live_server.url, look)

    assert "Midcall" in content
    assert PASSWORD not in content and factories.AUTH_TOKEN not in content


SAMPLES = [
    "",
    "Your table is booked.",
    "a" * 160,
    "a" * 161,
    "a" * 306,
    "a" * 307,
    "€" * 80,
    "€" * 81,
    "a" * 152 + "€" + "a" * 20,
    "ç",
    "Ç" * 161,
    "“quoted”",
    "ü" * 71,
    "я" * 70,
    "я" * 71,
    "😀" * 35,
    "😀" * 36,
    "😀" * 100,
    "line\nline" * 20,
]


def test_the_counter_under_a_text_counts_as_the_server_does(campaign, live_server):
    def count(page: Page) -> None:
        page.goto(reverse("admin:sms_smstemplate_add"))
        for sample in SAMPLES:
            size = text.size(sample)
            noun = "segment" if size.segments == 1 else "segments"
            characters = "character" if size.characters == 1 else "characters"
            line = f"{size.characters} {characters} · {size.segments} {noun} ({size.encoding})"
            page.fill("#id_body", sample)
            expect(page.locator("[data-preview=body] .mc-count")).to_have_text(line)

    in_browser(live_server.url, count)


def test_tools_are_found_by_typing_and_twilio_settings_leave_with_twilio(campaign, live_server, settings):
    settings.ATLAS_ACCOUNT_SID = "AC" + "1" * 32
    for name in ("opening_hours", "gift_card"):
        factories.ActionFactory(name=name, owner=campaign.owner)

    def use(page: Page) -> tuple[Any, ...]:
        page.goto(reverse("admin:campaigns_campaign_integrations", args=[campaign.pk]))
        page.fill("[data-picklist-search]", "gift")
        shown = page.locator("[data-picklist-row]:visible").count()
        page.locator("[data-picklist-row]:visible input").check()
        page.click("form:has([data-picklist]) button[type=submit]")
        said = page.inner_text("[data-picklist-count]")
        page.goto(reverse("admin:builder_smsaction_add"))
        before = page.locator("#id_auth_token").is_visible()
        page.select_option("#id_provider", "atlas")
        return shown, said, before, page.locator("#id_auth_token").is_visible()

    assert in_browser(live_server.url, use) == (1, "2 of 3 selected", True, False)
