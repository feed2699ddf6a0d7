"""The list of Manage Tools: each tool with its sender, owner and health, and looking for one."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from builder.models import SmsAction
from campaigns import switches
from campaigns.models import ToolAttachment
from sms.models import AtlasCheck, Sender, State, UserProfile
from tests import factories
from tests.campaigns.managing import (
    allow,
    attached,
    change_url,
    fired,
    logged_in,
    opened,
    rows,
    save,
    url,
    visible,
)

WHY_HELD = "The A2P 10DLC registration is missing: US carriers refuse this number."


@pytest.fixture
def ann(db):
    """Ann is a superuser."""
    return factories.UserFactory(username="ann", is_staff=True, is_superuser=True)


@pytest.fixture
def bob(db):
    """Bob manages campaigns and sees SMS actions; each test says what else he may do."""
    bob = factories.UserFactory(username="bob", is_staff=True)
    allow(bob, "view_campaign", "change_campaign", "view_smsaction")
    return bob


@pytest.fixture
def line(ann):
    """Ann's campaign, with one action attached."""
    campaign = factories.CampaignFactory(name="Booking line", owner=ann)
    ToolAttachment.attach(campaign, [factories.ActionFactory(name="booking_link", owner=ann)], ann)
    return campaign


@pytest.fixture
def booking_link(line):
    return line.actions.get()


@pytest.fixture
def receipt(ann):
    return factories.ActionFactory(name="receipt", owner=ann)


class TestARow:
    def test_says_what_it_is_who_sends_it_and_where_else_it_is_attached(self, ann, line, booking_link):
        UserProfile.objects.filter(user=ann).update(
            verified_at=timezone.now() - timedelta(days=3), senders={"+13125550142": "Front desk"}
        )
        other = factories.CampaignFactory(name="Night line")
        ToolAttachment.attach(other, [booking_link], ann)

        page = opened(ann, line)

        row = rows(page)["booking_link"]
        for words in (
            "Use this when the caller asks for something in writing.",
            "The agent writes the text, to the caller",
            "Twilio +13125550142 (Front desk)",
            "ann (you)",
            "healthy Credentials verified 3 days ago No recent text",
            "Night line",
        ):
            assert words in row
        assert f'href="{url(other)}"' in page and f'href="{change_url(booking_link)}"' in page

    def test_of_what_is_paused_says_by_whom_and_why(self, ann, line, booking_link):
        sender = Sender.objects.create(
            account_sid=factories.ACCOUNT_SID, address="+13125550142", messages_per_second=1
        )

        for thing in (None, line, booking_link, sender):
            pause = switches.pause(thing, "The price is wrong.", "ann")
            row = rows(opened(ann, line))["booking_link"]
            assert f"paused {pause.words}" in row and "healthy" not in row
            switches.resume(pause, "ann")
        switches.pause(factories.CampaignFactory(name="Night line"), "The price is wrong.", "ann")

        assert "paused" not in rows(opened(ann, line))["booking_link"]

    def test_of_credentials_that_nobody_verified_says_so(self, ann, line):
        assert "not verified yet Twilio has not confirmed" in rows(opened(ann, line))["booking_link"]

    def test_of_credentials_that_are_not_accepted_says_why(self, ann, line):
        UserProfile.objects.filter(user=ann).update(refused_because="The account is suspended at Twilio.")

        row = rows(opened(ann, line))["booking_link"]

        assert "credentials refused The account is suspended at Twilio. Its owner enters them again" in row

    def test_of_a_sender_that_the_account_does_not_have_says_so(self, ann, line, booking_link):
        profiles = UserProfile.objects.filter(user=ann)
        profiles.update(verified_at=timezone.now(), senders={"+13125550177": "Evenings"})

        row = rows(opened(ann, line))["booking_link"]

        assert "sender not found The account had no +13125550142 when it was verified. Choose another" in row
        for known in ({"+13125550142": "Front desk"}, None):
            profiles.update(senders=known)
            assert "healthy" in rows(opened(ann, line))["booking_link"]

    def test_of_atlas_says_what_was_found_of_it(self, ann, line, booking_link, settings):
        settings.ATLAS_ACCOUNT_SID, settings.ATLAS_FROM = "AC" + "1" * 32, "+13125550100"
        SmsAction.objects.update(provider="atlas")

        def check(**found) -> str:
            AtlasCheck.objects.create(
                by="ann", account_sid=settings.ATLAS_ACCOUNT_SID, sender=settings.ATLAS_FROM, **found
            )
            return rows(opened(ann, line))["booking_link"]

        own = "The platform's own account"
        assert f"healthy {own}, not checked yet" in rows(opened(ann, line))["booking_link"]
        assert f"healthy {own}, checked just now" in check(owns_sender=True)
        assert f"healthy {own}, checked just now" in check(problem="The carrier could not be reached.")
        assert "Atlas is refused" in check(owns_sender=False)
        assert "Atlas is refused" in check(wrong="ATLAS_AUTH_TOKEN", problem="It does not accept this token.")

    def test_of_what_is_not_shared_says_who_changes_that(self, ann, bob, line):
        factories.ActionFactory(name="survey", owner=bob)

        assert (
            "Its owner changes that with “Others may use it” on its page."
            in rows(opened(ann, line))["survey"]
        )

    def test_of_what_cannot_be_sent_says_why(self, ann, line, booking_link):
        UserProfile.objects.filter(user=ann).update(twilio_auth_token=None)
        assert (
            "cannot be sent The owner of this text has no Twilio" in rows(opened(ann, line))["booking_link"]
        )

        booking_link.is_active = False
        booking_link.save()
        assert "cannot be sent “booking_link” is switched off." in rows(opened(ann, line))["booking_link"]

    @pytest.mark.parametrize(("code", "says"), [(30034, "sender held"), (20003, "account refused")])
    def test_of_a_sender_that_the_carrier_refuses_says_why_and_what_to_do(self, ann, line, code, says):
        Sender.objects.create(
            account_sid=factories.ACCOUNT_SID, address="+13125550142", messages_per_second=1,
            held_at=timezone.now(), held_code=code, held_because=WHY_HELD,
        )  # fmt: skip

        row = rows(opened(ann, line))["booking_link"]

        assert f"{says} {WHY_HELD}" in row
        assert ("Register the brand" if code == 30034 else "Enter the credentials again") in row

    def test_of_a_last_text_that_failed_says_why_in_plain_words(self, ann, line, booking_link):
        sent = fired(line, booking_link, provider_sid="SM" + "1" * 32)
        failed = fired(line, booking_link, State.UNDELIVERED, error_code=30006, provider_sid="SM" + "2" * 32)

        page = opened(ann, line)

        row = rows(page)["booking_link"]
        assert "last text failed" in row
        assert "The number is a landline, or its carrier takes no texts." in row
        assert f"Last sent {timezone.localtime(failed.created_at):%-d %b %Y, %H:%M}" in row
        assert f'href="{change_url(failed)}"' in page and f'href="{change_url(sent)}"' not in page

    def test_of_a_failure_that_others_came_after_is_quiet(self, ann, line, booking_link):
        UserProfile.objects.update(verified_at=timezone.now())
        fired(line, booking_link, State.FAILED, reason="It is a landline.")
        fired(line, booking_link, provider_sid="SM" + "1" * 32)

        row = rows(opened(ann, line))["booking_link"]

        assert "healthy" in row and "It is a landline." in row

    def test_of_what_somebody_may_not_see_has_its_name_alone(self, bob, line, booking_link):
        bob.user_permissions.remove(Permission.objects.get(codename="view_smsaction"))
        fired(line, booking_link, State.FAILED, reason="It is a landline.")

        page = opened(bob, line)

        row = rows(page)["booking_link"]
        assert "An SMS action that you may not see" in row
        for hidden in ("something in writing", "ann", "+1312", "landline"):
            assert hidden not in row
        assert change_url(booking_link) not in page

    def test_has_no_link_to_a_message_for_whoever_may_see_none(self, bob, line, booking_link):
        failed = fired(line, booking_link, State.FAILED, reason="It is a landline.")

        page = opened(bob, line)

        assert "It is a landline." in page and change_url(failed) not in page

    def test_takes_no_query_of_its_own(self, ann, line):
        client = logged_in(ann)
        template = factories.TemplateFactory(owner=ann)

        def queries() -> int:
            with CaptureQueriesContext(connection) as seen:
                assert client.get(url(line)).status_code == 200
            return len(seen)

        def add(number: int) -> None:
            action = factories.ActionFactory(name=f"a{number}", template=template)
            ToolAttachment.attach(factories.CampaignFactory(), [action], ann)
            fired(line, action, State.FAILED)
            if number % 2:
                ToolAttachment.attach(line, [action], ann)
            used = factories.TemplateFactory(name=f"t{number}")
            line.topics.add(factories.TopicFactory(actions=f"Call {{{{{used.name}}}}}."))

        add(1)
        queries()
        few = queries()
        for number in range(2, 42):
            add(number)

        assert len(rows(client.get(url(line)).text)) > 80
        assert queries() == few


class TestLooking:
    @pytest.fixture
    def many(self, ann, bob, line, receipt):
        UserProfile.objects.filter(user=ann).update(verified_at=timezone.now())
        factories.ActionFactory(name="survey", owner=bob, description="After the call, ask how it was.")
        return line

    @pytest.mark.parametrize(
        ("asked", "found"),
        [
            ({}, {"booking_link", "receipt", "survey"}),
            ({"q": "LINK"}, {"booking_link"}),
            ({"q": "after call"}, {"survey"}),
            ({"q": "bob"}, {"survey"}),
            ({"q": "nothing of the kind"}, set()),
            ({"show": "attached"}, {"booking_link"}),
            ({"show": "detached"}, {"receipt", "survey"}),
            ({"show": "healthy"}, {"booking_link", "receipt"}),
            ({"show": "ailing"}, {"survey"}),
            ({"show": "mine"}, {"booking_link", "receipt"}),
            ({"show": "mine", "q": "rec"}, {"receipt"}),
            ({"show": "nonsense", "q": "\0"}, set()),
        ],
    )
    def test_narrows_the_list(self, ann, many, asked, found):
        assert visible(opened(ann, many, **asked)) == found

    def test_loses_nothing_that_is_selected(self, ann, many, receipt):
        page = save(ann, many, [receipt], shown=many.actions.all(), q="survey", _search="Search").text

        assert visible(page) == {"survey"}
        assert f'value="{receipt.pk}" id="action-{receipt.pk}"' in page
        assert page.count(" checked>") == 1
        assert attached(many) == {"booking_link"}

    def test_that_finds_nothing_says_so(self, ann, many):
        page = opened(ann, many, q="zzz")

        assert '<p class="mc-quiet mc-pad" data-picklist-none>No SMS action fits.' in page

    def test_where_there_is_nothing_yet_says_the_next_step(self, ann, bob):
        campaign = factories.CampaignFactory()

        assert reverse("admin:builder_smsaction_add") in opened(ann, campaign)
        assert "have somebody add one under Global Actions" in opened(bob, campaign)


class TestTopicsTemplates:
    def test_stand_below_with_topics_owner_and_health(self, ann, line):
        factories.TemplateFactory(name="directions", owner=ann)
        topic = factories.TopicFactory(name="Finding us", actions="Call {{directions}}, or {{gone}}.")
        line.topics.add(topic)

        page = opened(ann, line)

        found = rows(page)
        assert "ann (you) not verified yet" in found["directions"]
        assert "Finding us" in found["directions"]
        assert "cannot be sent There is no template of this name." in found["gone"]
        assert f'href="{change_url(topic)}"' in page

    def test_are_named_alone_for_whoever_may_see_neither(self, bob, line):
        factories.TemplateFactory(name="directions", description="Behind the house.")
        line.topics.add(factories.TopicFactory(name="Finding us", actions="Call {{directions}}."))

        page = opened(bob, line)

        assert "An SMS template that you may not see 1 that you may not see" in rows(page)["directions"]
        assert "Finding us" not in page and "Behind the house" not in page

    def test_that_are_none_say_the_next_step(self, ann, line):
        assert "type / in a topic's Actions" in opened(ann, line)


def test_who_may_only_read_sees_what_is_attached_and_nothing_to_press(bob, line, receipt):
    bob.user_permissions.remove(Permission.objects.get(codename="change_campaign"))

    page = opened(bob, line)

    assert set(rows(page)) == {"booking_link"}
    assert 'type="checkbox"' not in page and ">Save<" not in page
    assert save(bob, line, [receipt]).status_code == 403
