"""A connection's pages: choosing a runtime, what to paste there, whether it has arrived, and its secrets."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import URLPattern, path

from campaigns import preview, signing, tools, toolsets
from campaigns.arrival import arrival
from campaigns.beneath import BeneathCampaign
from campaigns.forms import ConnectionForm
from campaigns.models import Campaign, Connection, Contact, SecretUse
from campaigns.runtimes import GUIDES, WEBHOOKS
from campaigns.runtimes.base import SECRET
from campaigns.runtimes.guide import Block, Way, fetching

# Kept for fiction (North American Numbering Plan); elsewhere whoever pastes the command writes their own.
SAMPLE_CALLER = "+13125550123" if settings.DEMO else "+YOUR_OWN_NUMBER"
# So long a secret works on beside the one that replaces it.
OVERLAP = timedelta(hours=24)
# The runtimes that are best reached by MCP.
BY_MCP = (Connection.Runtime.MCP, Connection.Runtime.LIVEKIT, Connection.Runtime.PIPECAT)
# Of the buttons: end the checking of signatures; replace a secret at once.
STOP, AT_ONCE = "_stop", "_at_once"


class Connecting(BeneathCampaign):
    """The views of a campaign's connections."""

    def urls(self) -> list[URLPattern]:
        """Their addresses, each behind the log-in."""
        one = "<int:pk>/integrations/<int:connection>/"
        views: dict[str, tuple[str, Callable[..., HttpResponse]]] = {
            "<int:pk>/integrations/connect/": ("connect", self.connect),
            one: ("connection", self.connection),
            f"{one}arrival/": ("arrival", self.arrival),
            f"{one}secret/": ("secret", self.new_secret),
            f"{one}secret/end/": ("end_previous", self.end_previous),
            f"{one}revoke/": ("revoke", self.revoke),
            f"{one}signing/": ("signing", self.signing),
        }
        return [
            path(address, self.page.admin_site.admin_view(view), name=f"campaigns_campaign_{name}")
            for address, (name, view) in views.items()
        ]

    def connect(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Choose a runtime, make its connection, and show its secret, this once."""
        campaign = self.campaign(request, pk)
        self.may_change(request, campaign)
        form = ConnectionForm(request.POST or None)
        if not form.is_valid():
            context = {"form": form, "back": self.address(campaign)}
            return self.render(request, campaign, "campaigns/connect.html", "Connect an agent", context)
        connection = form.save(commit=False)
        connection.campaign = campaign
        connection.created_by_id = request.user.pk
        secret = connection.issue_secret()
        try:
            with transaction.atomic():
                connection.save()
        except IntegrityError:
            return self._made_already(request, campaign, connection.slug)
        self.page.log_change(request, campaign, f"Added the connection “{connection}”.")
        return self._show(request, campaign, connection, secret)

    def _made_already(self, request: HttpRequest, campaign: Campaign, slug: str) -> HttpResponse:
        """The page was sent twice: one connection was made, and its secret was in the first answer."""
        first = campaign.connections.filter(slug=slug).first()
        if first is None:
            raise Http404
        self.page.message_user(
            request,
            "This connection was made already. If you did not copy its secret, make a new one.",
            messages.WARNING,
        )
        return HttpResponseRedirect(self.address(campaign, "connection", first.pk))

    def connection(self, request: HttpRequest, pk: int, connection: int) -> HttpResponse:
        """What to paste, with something in the secret's place; whether it has arrived; what to do with it."""
        campaign, found = self._found(request, pk, connection)
        return self._show(request, campaign, found)

    def arrival(self, request: HttpRequest, pk: int, connection: int) -> HttpResponse:
        """Whether it has arrived, as the page asks again and again; 204 while that is as it has seen it, so
        that nothing is read aloud twice."""
        campaign, found = self._found(request, pk, connection)
        now = arrival(found)
        if request.GET.get("seen") == now.mark:
            return HttpResponse(status=204)
        context = {"campaign": campaign, "connection": found, "arrival": now, **_uses(found)}
        return render(request, "campaigns/heard.html", context)

    def new_secret(self, request: HttpRequest, pk: int, connection: int) -> HttpResponse:
        """Replace a connection's secret, and show the new one, this once."""
        campaign, found = self._open(request, pk, connection)
        if request.method != "POST":
            context = {"connection": found, "back": self.address(campaign, "connection", found.pk)}
            return self.render(request, campaign, "campaigns/rotate.html", "Make a new secret", context)
        # As it was shown: sent twice, the page would otherwise drop the secret that the agent still has.
        is_as_shown = request.POST.get("secret_end", found.secret_end) == found.secret_end
        secret = found.rotate(timedelta(0) if AT_ONCE in request.POST else OVERLAP) if is_as_shown else None
        if secret is None:
            self.page.message_user(
                request,
                "Nothing was changed: a new secret was made already while this page was open.",
                messages.WARNING,
            )
            return HttpResponseRedirect(self.address(campaign, "connection", found.pk))
        Contact.forget_failure(found.pk)
        self.page.log_change(request, campaign, f"Made a new secret for “{found}”.")
        return self._show(request, campaign, found, secret)

    def end_previous(self, request: HttpRequest, pk: int, connection: int) -> HttpResponse:
        """Stop the secret before the last one now."""
        campaign, found = self._open(request, pk, connection)
        if request.method == "POST" and found.end_previous():
            self.page.log_change(request, campaign, f"Ended the previous secret of “{found}”.")
            self.page.message_user(request, "The previous secret works no more.", messages.SUCCESS)
        return HttpResponseRedirect(self.address(campaign, "connection", found.pk))

    def revoke(self, request: HttpRequest, pk: int, connection: int) -> HttpResponse:
        """Close a connection for good."""
        campaign, found = self._open(request, pk, connection)
        if request.method == "POST":
            found.revoke()
            self.page.log_change(request, campaign, f"Revoked the connection “{found}”.")
            self.page.message_user(request, f"“{found}” is revoked.", messages.SUCCESS)
            return self.back(campaign)
        context = {
            "verb": "Revoke",
            "what": f"“{found}” stops working at once and for good. Its calls and messages stay on record.",
            "back": self.address(campaign, "connection", found.pk),
        }
        return self.render(request, campaign, "campaigns/confirm.html", "Revoke", context)

    def signing(self, request: HttpRequest, pk: int, connection: int) -> HttpResponse:
        """How a vendor signs, for those that do."""
        campaign, found = self._open(request, pk, connection)
        if found.runtime not in signing.FORMS:
            raise Http404
        if request.method == "POST" and STOP in request.POST:
            found.stop_signing()
            return self._signed(request, campaign, found, f"Signatures of “{found}” are no longer checked.")
        form = signing.FORMS[found.runtime](request.POST or None, connection=found)
        if form.is_valid():
            form.save()
            return self._signed(
                request, campaign, found, f"Requests of “{found}” must be signed from now on."
            )
        context = {
            "form": form,
            "connection": found,
            "back": self.address(campaign, "connection", found.pk),
        }
        return self.render(request, campaign, "campaigns/signing.html", "Signing", context)

    def _signed(
        self, request: HttpRequest, campaign: Campaign, connection: Connection, what: str
    ) -> HttpResponse:
        self.page.log_change(request, campaign, what)
        self.page.message_user(request, what, messages.SUCCESS)
        return HttpResponseRedirect(self.address(campaign, "connection", connection.pk))

    def _show(
        self, request: HttpRequest, campaign: Campaign, connection: Connection, secret: str = ""
    ) -> HttpResponse:
        # The secret lives in this answer alone: not in the session, a cookie, the log or an address.
        offered = tools.offered(campaign)
        seen = tuple(tool for tool in offered if preview.may_be_seen(tool, request.user))
        way = Way(connection.address, connection.runtime, SAMPLE_CALLER, seen, secret or SECRET)
        prompt = tools.compiled_prompt(campaign)
        return self.render(
            request,
            campaign,
            "campaigns/connection.html",
            connection.name,
            {
                "connection": connection,
                "secret": secret,
                "url": door(connection),
                "placeholder": SECRET,
                "guide": GUIDES[connection.runtime](way),
                "arrival": arrival(connection),
                **_uses(connection),
                "may_change": self.page.has_change_permission(request, campaign),
                "may_be_signed": connection.runtime in signing.FORMS,
                "has_tools": any(isinstance(tool, tools.Tool) for tool in offered),
                "unseen": len(offered) - len(seen),
                "prompt_block": Block("Prompt", prompt, "text"),
                "prompt_version": toolsets.prompt_version(prompt),
                "tools_version": toolsets.version(offered),
                "prompt_curl": Block("Fetch it", fetching(f"{connection.address}/prompt", way), "shell"),
            },
        )

    def _found(self, request: HttpRequest, pk: int, connection: int) -> tuple[Campaign, Connection]:
        campaign = self.campaign(request, pk)
        found = campaign.connections.select_related("created_by").filter(pk=connection).first()
        if found is None:
            raise Http404
        return campaign, found

    def _open(self, request: HttpRequest, pk: int, connection: int) -> tuple[Campaign, Connection]:
        campaign, found = self._found(request, pk, connection)
        self.may_change(request, campaign)
        if found.revoked_at:
            raise Http404
        return campaign, found


def _uses(connection: Connection) -> dict[str, Any]:
    """When each of a connection's secrets was last used, and what was refused."""
    uses = {use.secret_end: use.at for use in SecretUse.objects.filter(connection=connection)}
    return {
        "contact": Contact.objects.filter(connection=connection).first(),
        "used_at": uses.get(connection.secret_end),
        "previous_used_at": uses.get(connection.previous_secret_end),
        "signed_at": uses.get(""),
    }


def door(connection: Connection) -> str:
    """What a runtime is given: its own webhook where it has one."""
    if connection.runtime in WEBHOOKS:
        return f"{connection.address}/{connection.runtime}"
    return f"{connection.address}/{'mcp' if connection.runtime in BY_MCP else 'tools'}"


def context_of_list(campaign: Campaign, most: int) -> list[dict[str, Any]]:
    """The campaign's connections as its Integrations lists them, the newest first."""
    found = campaign.connections.select_related("created_by", "fetched", "contact")[:most]
    return [
        {
            "row": connection,
            "contact": getattr(connection, "contact", None),
            "is_pasted": connection.runtime in WEBHOOKS,
            "used_at": max((use.at for use in connection.secret_uses.all()), default=None),
        }
        for connection in found.prefetch_related("secret_uses")
    ]
