"""What the pages that lie under a campaign have in common: whose they are, and how they look."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse

from campaigns.models import Campaign

if TYPE_CHECKING:
    from campaigns.admin import CampaignAdmin


class BeneathCampaign:
    """Views that belong to a campaign, beside its form."""

    def __init__(self, page: CampaignAdmin) -> None:
        self.page = page

    def render(
        self, request: HttpRequest, campaign: Campaign, template: str, crumb: str, context: dict[str, Any]
    ) -> HttpResponse:
        """A page under the campaign's tabs."""
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

    def campaign(self, request: HttpRequest, pk: int) -> Campaign:
        """The campaign, for who may see it. Raises Http404, PermissionDenied."""
        campaign = get_object_or_404(Campaign, pk=pk)
        if not self.page.has_view_permission(request, campaign):
            raise PermissionDenied
        return campaign

    def may_change(self, request: HttpRequest, campaign: Campaign) -> None:
        """Raise PermissionDenied for who may not change the campaign."""
        if not self.page.has_change_permission(request, campaign):
            raise PermissionDenied

    def address(self, campaign: Campaign, page: str = "integrations", *more: int) -> str:
        """Where a page under the campaign stands."""
        return reverse(f"admin:campaigns_campaign_{page}", args=[campaign.pk, *more])

    def back(self, campaign: Campaign) -> HttpResponse:
        """To the campaign's Integrations."""
        return HttpResponseRedirect(self.address(campaign))
