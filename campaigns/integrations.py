"""Under a campaign: Integrations (Tools Integration > Manage Tools, the list of connections), and the agent's
view. The pages of one connection stand in campaigns/connecting.py."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path

from campaigns import connecting, managing, preview, tools, toolsets
from campaigns.beneath import BeneathCampaign
from campaigns.explaining import TryForm, in_force
from campaigns.forms import ManageToolsForm
from campaigns.models import Campaign, ToolChange

MAX_CONNECTIONS_SHOWN = 50
CHANGES_A_PAGE = 10
# The buttons of Manage Tools beside Save: what they ask for is a page, with all that is selected.
SEARCH, BACK, CONFIRMED = "_search", "_back", "_confirmed"


class Integrations(BeneathCampaign):
    """What is attached to a campaign, and by what it is reached."""

    def urls(self) -> list[URLPattern]:
        """Their addresses, each behind the log-in."""
        view = self.page.admin_site.admin_view
        return [
            path("<int:pk>/integrations/", view(self.integrations), name="campaigns_campaign_integrations"),
            path("<int:pk>/agent/", view(self.agent), name="campaigns_campaign_agent"),
            path("<int:pk>/safeguards/", view(self.safeguards), name="campaigns_campaign_safeguards"),
        ]

    def integrations(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Attach and detach SMS actions; see the tools, what was changed, and the ways in."""
        campaign = self.campaign(request, pk)
        if request.method != "POST":
            form = ManageToolsForm(campaign=campaign, user=request.user)
            return self._show(request, campaign, form)
        self.may_change(request, campaign)
        form = ManageToolsForm(request.POST, campaign=campaign, user=request.user)
        if SEARCH in request.POST or BACK in request.POST:
            return self._show(request, campaign, form)
        if form.is_valid() and form.detaching and CONFIRMED not in request.POST:
            return self._ask(request, campaign, form)
        if form.is_valid():
            try:
                changes = form.save()
            except ValidationError as error:
                form.add_error(None, error)
            else:
                return self._saved(request, campaign, changes)
        return self._show(request, campaign, form, *_errors(form))

    def agent(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The prompt and the tools, as an agent gets them."""
        campaign = self.campaign(request, pk)
        context = {"given": preview.given(campaign, request.user)}
        return self.render(request, campaign, "campaigns/agent.html", "What the agent sees", context)

    def safeguards(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The rules as they apply here, how much of the limits is used, and what they say of a tool call
        that is posted; nothing is written."""
        campaign = self.campaign(request, pk)
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
        return self.render(request, campaign, "campaigns/safeguards.html", "Safeguards", context)

    def _show(
        self,
        request: HttpRequest,
        campaign: Campaign,
        manage: ManageToolsForm,
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
            "by_topic": managing.topic_rows(campaign, request.user),
            "version": toolsets.version([*offered, *tools.OF_EVERY_CAMPAIGN]),
            "last_edited": managing.last_edited(campaign, offered),
            "changes": Paginator(campaign.tool_changes.all(), CHANGES_A_PAGE).get_page(
                request.GET.get("changes")
            ),
            "connections": connecting.context_of_list(campaign, MAX_CONNECTIONS_SHOWN),
            "may_change": may_change,
            "media": self.page.media,
        }
        return self.render(request, campaign, "campaigns/integrations.html", "Integrations", context)

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
        return self.render(request, campaign, "campaigns/detaching.html", "Manage Tools", context)

    def _saved(self, request: HttpRequest, campaign: Campaign, changes: list[ToolChange]) -> HttpResponse:
        words = managing.said(campaign, changes)
        if changes:
            self.page.log_change(request, campaign, "; ".join(map(str, changes)))
        self.page.message_user(request, words, messages.SUCCESS if changes else messages.INFO)
        return self.back(campaign)


def _errors(form: ManageToolsForm) -> list[str]:
    return [str(error) for errors in form.errors.values() for error in errors]
