"""Under a campaign: Integrations (Tools Integration > Manage Tools, Connections), and the agent's view."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import URLPattern, path, reverse

from campaigns import managing, preview, signing, tools, toolsets
from campaigns.content import BODY
from campaigns.explaining import TryForm, in_force
from campaigns.forms import ConnectionForm, ManageToolsForm
from campaigns.models import Campaign, Connection, ToolChange
from campaigns.runtimes import WEBHOOKS

if TYPE_CHECKING:
    from campaigns.admin import CampaignAdmin

# Stands in commands for the secret, which is shown once.
PLACEHOLDER = "THE_SECRET"
# Kept for fiction (North American Numbering Plan); elsewhere whoever pastes the command writes their own.
SAMPLE_CALLER = "+13125550123" if settings.DEMO else "+YOUR_OWN_NUMBER"
MAX_CONNECTIONS_SHOWN = 50
# Of the button that ends the checking of signatures.
STOP = "_stop"
CHANGES_A_PAGE = 10
# The buttons of Manage Tools beside Save: what they ask for is a page, with all that is selected.
SEARCH, BACK, CONFIRMED = "_search", "_back", "_confirmed"


class Integrations:
    """The views that belong to a campaign, beside its form."""

    def __init__(self, page: CampaignAdmin) -> None:
        self.page = page

    def urls(self) -> list[URLPattern]:
        """Their addresses, each behind the log-in."""
        views: dict[str, tuple[str, Callable[..., HttpResponse]]] = {
            "<int:pk>/integrations/": ("integrations", self.integrations),
            "<int:pk>/agent/": ("agent", self.agent),
            "<int:pk>/safeguards/": ("safeguards", self.safeguards),
            "<int:pk>/integrations/connect/": ("connect", self.connect),
            "<int:pk>/integrations/<int:connection>/secret/": ("secret", self.new_secret),
            "<int:pk>/integrations/<int:connection>/revoke/": ("revoke", self.revoke),
            "<int:pk>/integrations/<int:connection>/signing/": ("signing", self.signing),
        }
        return [
            path(address, self.page.admin_site.admin_view(view), name=f"campaigns_campaign_{name}")
            for address, (name, view) in views.items()
        ]

    def integrations(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Attach and detach SMS actions; see the tools, what was changed, and the ways in."""
        campaign = self._campaign(request, pk)
        if request.method != "POST":
            form = ManageToolsForm(campaign=campaign, user=request.user)
            return self._show(request, campaign, form, ConnectionForm())
        self._may_change(request, campaign)
        form = ManageToolsForm(request.POST, campaign=campaign, user=request.user)
        if SEARCH in request.POST or BACK in request.POST:
            return self._show(request, campaign, form, ConnectionForm())
        if form.is_valid() and form.detaching and CONFIRMED not in request.POST:
            return self._ask(request, campaign, form)
        if form.is_valid():
            try:
                changes = form.save()
            except ValidationError as error:
                form.add_error(None, error)
            else:
                return self._saved(request, campaign, changes)
        return self._show(request, campaign, form, ConnectionForm(), *_errors(form))

    def connect(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Make a connection, and show its secret, this once."""
        campaign = self._campaign(request, pk)
        self._may_change(request, campaign)
        if request.method != "POST":
            return self._back(campaign)
        form = ConnectionForm(request.POST)
        if not form.is_valid():
            manage = ManageToolsForm(campaign=campaign, user=request.user)
            return self._show(request, campaign, manage, form)
        connection = form.save(commit=False)
        connection.campaign = campaign
        connection.created_by = request.user
        return self._issue(request, campaign, connection, f"Added the connection “{connection}”.")

    def new_secret(self, request: HttpRequest, pk: int, connection: int) -> HttpResponse:
        """Replace a connection's secret, and show the new one, this once."""
        campaign, found = self._open_connection(request, pk, connection)
        if request.method == "POST":
            return self._issue(request, campaign, found, f"Made a new secret for “{found}”.")
        return self._confirm(
            request,
            campaign,
            "Make a new secret",
            f"The secret of “{found}” that ends in {found.secret_end} stops working at once: the agent "
            "cannot send texts until it has the new one.",
        )

    def revoke(self, request: HttpRequest, pk: int, connection: int) -> HttpResponse:
        """Close a connection for good."""
        campaign, found = self._open_connection(request, pk, connection)
        if request.method == "POST":
            found.revoke()
            self.page.log_change(request, campaign, f"Revoked the connection “{found}”.")
            self.page.message_user(request, f"“{found}” is revoked.", messages.SUCCESS)
            return self._back(campaign)
        return self._confirm(
            request,
            campaign,
            "Revoke",
            f"“{found}” stops working at once and for good. Its calls and messages stay on record.",
        )

    def signing(self, request: HttpRequest, pk: int, connection: int) -> HttpResponse:
        """How a vendor signs, for those that do."""
        campaign, found = self._open_connection(request, pk, connection)
        if found.runtime not in signing.FORMS:
            raise Http404
        if request.method == "POST" and STOP in request.POST:
            found.stop_signing()
            return self._signed(request, campaign, f"Signatures of “{found}” are no longer checked.")
        form = signing.FORMS[found.runtime](request.POST or None, connection=found)
        if form.is_valid():
            form.save()
            return self._signed(request, campaign, f"Requests of “{found}” must be signed from now on.")
        context = {"form": form, "connection": found, "back": self._address(campaign)}
        return self._render(request, campaign, "campaigns/signing.html", "Signing", context)

    def _signed(self, request: HttpRequest, campaign: Campaign, what: str) -> HttpResponse:
        self.page.log_change(request, campaign, what)
        self.page.message_user(request, what, messages.SUCCESS)
        return self._back(campaign)

    def agent(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The prompt and the tools, as an agent gets them."""
        campaign = self._campaign(request, pk)
        context = {"given": preview.given(campaign, request.user)}
        return self._render(request, campaign, "campaigns/agent.html", "What the agent sees", context)

    def safeguards(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The rules as they apply here, how much of the limits is used, and what they say of a tool call
        that is posted; nothing is written."""
        campaign = self._campaign(request, pk)
        offered = {tool.name: tool for tool in tools.of(campaign)}
        asked = request.POST.get("tool") or request.GET.get("tool") or ""
        tool = offered.get(asked) or next(iter(offered.values()), None)
        form = TryForm(campaign, tool, request.POST if request.method == "POST" else None) if tool else None
        explained = form.explained() if form and form.is_valid() else None
        eyes = managing.Eyes(request.user)
        context = {
            "in_force": in_force(campaign),
            "tools": offered,
            "tool": tool,
            "form": form,
            "explained": explained,
            "sees_text": tool and all(eyes.see(each) for each in (tool.source, tool.template) if each),
            "may_change": self.page.has_change_permission(request, campaign),
        }
        return self._render(request, campaign, "campaigns/safeguards.html", "Safeguards", context)

    def _show(
        self,
        request: HttpRequest,
        campaign: Campaign,
        manage: ManageToolsForm,
        connect: ConnectionForm,
        *errors: str,
    ) -> HttpResponse:
        offered = tools.of(campaign)
        may_change = self.page.has_change_permission(request, campaign)
        asked = request.POST if SEARCH in request.POST or BACK in request.POST else request.GET
        query = asked.get("q", "")[: managing.MAX_QUERY_CHARACTERS]
        shown = asked.get("show", "")
        shown = shown if shown in managing.SHOWN else ""
        rows = [row for row in managing.rows(manage) if may_change or row.is_attached]
        fitting = {row.source for row in rows if row.fits(query, shown)}
        context = {
            "rows": [(row, row.source in fitting) for row in rows],
            "errors": errors,
            "query": query,
            "shown": shown,
            "shows": managing.SHOWN,
            "narrowed": bool(query or shown),
            "none_fit": bool(rows) and not fitting,
            "count": f"{sum(row.is_selected for row in rows)} of {len(rows)} selected" if may_change else "",
            "attached": ",".join(map(str, sorted(manage.attached))),
            "may_add_action": request.user.has_perm("builder.add_smsaction"),
            "connect": connect,
            "by_topic": managing.topic_rows(campaign, request.user),
            "version": toolsets.version([*offered, *tools.OF_EVERY_CAMPAIGN]),
            "last_edited": managing.last_edited(campaign, offered),
            "changes": Paginator(campaign.tool_changes.all(), CHANGES_A_PAGE).get_page(
                request.GET.get("changes")
            ),
            "connections": [
                {
                    "row": connection,
                    "url": _door(connection),
                    "curl": _curl_list(connection, PLACEHOLDER),
                    "may_be_signed": connection.runtime in signing.FORMS,
                }
                for connection in campaign.connections.select_related("created_by", "fetched")[
                    :MAX_CONNECTIONS_SHOWN
                ]
            ],
            "may_change": may_change,
            "media": self.page.media,
        }
        return self._render(request, campaign, "campaigns/integrations.html", "Integrations", context)

    def _ask(self, request: HttpRequest, campaign: Campaign, form: ManageToolsForm) -> HttpResponse:
        """Before something is detached: what that means for the prompt."""
        context = {
            "detaching": [
                {
                    "action": action,
                    "no_way_back": form.way_back(action),
                    "mentions": managing.mentions(campaign, action.name, request.user),
                }
                for action in form.detaching
            ],
            "attaching": form.attaching,
            "selected": sorted(form.selected),
            "attached": ",".join(map(str, sorted(form.attached))),
            "query": request.POST.get("q", "")[: managing.MAX_QUERY_CHARACTERS],
            "shown": request.POST.get("show", ""),
        }
        return self._render(request, campaign, "campaigns/detaching.html", "Manage Tools", context)

    def _saved(self, request: HttpRequest, campaign: Campaign, changes: list[ToolChange]) -> HttpResponse:
        words = managing.said(campaign, changes)
        if changes:
            self.page.log_change(request, campaign, "; ".join(map(str, changes)))
        self.page.message_user(request, words, messages.SUCCESS if changes else messages.INFO)
        return self._back(campaign)

    def _issue(
        self, request: HttpRequest, campaign: Campaign, connection: Connection, note: str
    ) -> HttpResponse:
        # The secret lives in this answer alone: not in the session, a cookie, the log or an address.
        secret = connection.issue_secret()
        # Of one that is there nothing else: somebody may have revoked it since it was read.
        connection.save(update_fields=["secret_hash", "secret_end"] if connection.pk else None)
        self.page.log_change(request, campaign, note)
        offered = tools.of(campaign)
        context = {
            "connection": connection,
            "url": _door(connection),
            "secret": secret,
            "curl": _curl_list(connection, secret),
            "curl_send": _curl_send(connection, offered[0], secret) if offered else "",
        }
        return self._render(request, campaign, "campaigns/secret.html", "Connection", context)

    def _confirm(self, request: HttpRequest, campaign: Campaign, verb: str, what: str) -> HttpResponse:
        context = {"verb": verb, "what": what, "back": self._address(campaign)}
        return self._render(request, campaign, "campaigns/confirm.html", verb, context)

    def _render(
        self, request: HttpRequest, campaign: Campaign, template: str, crumb: str, context: dict[str, Any]
    ) -> HttpResponse:
        request.current_app = self.page.admin_site.name
        return render(
            request,
            template,
            {
                **self.page.admin_site.each_context(request),
                "opts": self.page.opts,
                "original": campaign,
                "campaign": campaign,
                "crumb": crumb,
                **context,
            },
        )

    def _campaign(self, request: HttpRequest, pk: int) -> Campaign:
        campaign = get_object_or_404(Campaign, pk=pk)
        if not self.page.has_view_permission(request, campaign):
            raise PermissionDenied
        return campaign

    def _open_connection(self, request: HttpRequest, pk: int, connection: int) -> tuple[Campaign, Connection]:
        campaign = self._campaign(request, pk)
        self._may_change(request, campaign)
        found = campaign.connections.filter(pk=connection, revoked_at=None).first()
        if found is None:
            raise Http404
        return campaign, found

    def _may_change(self, request: HttpRequest, campaign: Campaign) -> None:
        if not self.page.has_change_permission(request, campaign):
            raise PermissionDenied

    def _address(self, campaign: Campaign) -> str:
        return reverse("admin:campaigns_campaign_integrations", args=[campaign.pk])

    def _back(self, campaign: Campaign) -> HttpResponse:
        return HttpResponseRedirect(self._address(campaign))


def _errors(form: ManageToolsForm) -> list[str]:
    return [str(error) for errors in form.errors.values() for error in errors]


def _door(connection: Connection) -> str:
    """What a runtime is given: its own webhook where it has one."""
    has_webhook = connection.runtime in WEBHOOKS
    return f"{connection.address}/{connection.runtime}" if has_webhook else _url(connection)


def _url(connection: Connection) -> str:
    return f"{connection.address}/tools"


def _curl_list(connection: Connection, secret: str) -> str:
    return shlex.join(["curl", "-sS", _url(connection), "-H", f"Authorization: Bearer {secret}"])


def _curl_send(connection: Connection, tool: tools.Tool, secret: str) -> str:
    parameters = {name: _sample(name) for name in tool.parameters["properties"]}
    request = {"callId": "a-first-test", "customerPhoneNumber": SAMPLE_CALLER, "parameters": parameters}
    return shlex.join(
        [
            "curl", "-sS", f"{_url(connection)}/{tool.name}",
            "-H", f"Authorization: Bearer {secret}",
            "-H", "Content-Type: application/json",
            "-d", json.dumps(request, ensure_ascii=False),
        ]
    )  # fmt: skip


def _sample(name: str) -> str:
    known = {tools.CONSENT: "Yes, please text me.", BODY: "Hello!", tools.RECIPIENT: SAMPLE_CALLER}
    return known.get(name, name.replace("_", " "))
