"""Manage Tools as a person uses it: the page, its rows, and saving."""

from __future__ import annotations

import re
from html import unescape

from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from campaigns.models import Call, ToolCall
from sms.models import State
from tests import factories
from tests.factories import CALLER


def allow(user, *codenames: str) -> None:
    user.user_permissions.add(*Permission.objects.filter(codename__in=codenames))


def logged_in(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def url(campaign) -> str:
    return reverse("admin:campaigns_campaign_integrations", args=[campaign.pk])


def change_url(thing) -> str:
    return reverse(f"admin:{thing._meta.app_label}_{thing._meta.model_name}_change", args=[thing.pk])


def opened(user, campaign, **asked) -> str:
    return logged_in(user).get(url(campaign), asked).text


def save(user, campaign, actions, *, shown=None, **more):
    """The page after saving; it goes on to the next one where there is one."""
    data = {"actions": [action.pk for action in actions], **more}
    if shown is not None:
        data["shown"] = ",".join(str(action.pk) for action in shown)
    return logged_in(user).post(url(campaign), data, follow=True)


def words_of(page: str) -> str:
    """What stands on a page, without the tags."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", page)).split())


def rows(page: str) -> dict[str, str]:
    """What a page says of each tool, by its name, without the tags."""
    found = [words_of(row) for row in re.findall(r"<tr role=\"row\".*?</tr>", page, re.DOTALL)]
    return {row.split()[0]: row for row in found if not row.startswith("SMS ")}


def visible(page: str) -> set[str]:
    found = re.findall(
        r"<tr role=\"row\" data-picklist-row[^>]*?(hidden)?>.*?name-\d+\">([^<]+)<", page, re.DOTALL
    )
    return {name for hidden, name in found if not hidden}


def attached(campaign) -> set[str]:
    return set(campaign.actions.values_list("name", flat=True))


def fired(campaign, action, state=State.DELIVERED, **values):
    """A text that an action sent in a call of the campaign."""
    message = factories.MessageFactory(
        tool=action.name, profile=action.owner.sms_profile, state=state, **values
    )
    way_in = campaign.connections.first() or factories.ConnectionFactory(campaign=campaign)
    call, _ = Call.objects.get_or_create(connection=way_in, external_id="call-1", caller_number=CALLER)
    ToolCall.objects.create(
        call=call, key=str(message.pk), tool=action.name, action=action, outcome="accepted",
        say="On its way.", message=message, at=message.created_at,
    )  # fmt: skip
    return message
