"""The page of Atlas: what the operator configured, whether it works, and who may send with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString

from sms import providers, verification
from sms.models import AtlasCheck, AtlasDay, ProviderName, SmsTemplate, UserProfile
from sms.pages import label, may_see
from sms.providers.base import Account
from sms.roles import is_admin, may_manage, rank

if TYPE_CHECKING:
    from sms.pages import Page

    _ProfilePage = Page[Any]
else:
    _ProfilePage = object

# More users are found in their own list.
MOST_USERS = 200
# Which variable a part of a credential comes from.
VARIABLES = {
    "account_sid": "ATLAS_ACCOUNT_SID",
    "auth_token": "ATLAS_AUTH_TOKEN",
    "secondary_token": "ATLAS_SECONDARY_AUTH_TOKEN",
}


class Fact(NamedTuple):
    """One thing that was found, in a word and in plain words."""

    name: str
    label: SafeString
    words: str = ""


@dataclass(frozen=True, slots=True)
class Member:
    """A user, as far as Atlas goes."""

    user: Any
    rank: str
    is_enabled: bool
    used: int
    may_change: bool


def check(by: str) -> AtlasCheck:
    """Ask the carrier about the operator's account, as about a profile's; what it says, stored."""
    provider = providers.get(ProviderName.ATLAS)
    [credential] = provider.credentials(settings.ATLAS_ACCOUNT_SID)
    asked = verification.asked(ProviderName.ATLAS, credential)
    found = AtlasCheck(by=by, account_sid=settings.ATLAS_ACCOUNT_SID, sender=settings.ATLAS_FROM)
    if asked.account:
        found.account_name, found.may_list = asked.account.name[:64], asked.account.may_list
        found.owns_sender = _owns(asked.account, settings.ATLAS_FROM)
    else:
        found.wrong = VARIABLES[asked.wrong.part] if asked.wrong else ""
        found.problem = (str(asked.wrong) if asked.wrong else asked.unverified)[:400]
    found.save()
    return found


def _owns(account: Account, sender: str) -> bool | None:
    """Whether an account has a sender; None if it does not say."""
    if account.senders is None or not sender.startswith(verification.LISTED):
        return None
    return sender in account.senders


def facts(found: AtlasCheck) -> Iterator[Fact]:
    """What a check found, thing by thing."""
    good, bad, warn = label("works", "good"), label("does not work", "bad"), label("not known", "warn")
    if found.problem:
        yield Fact(found.wrong or "The carrier", bad if found.wrong else warn, found.problem)
        return
    yield Fact("Account", label("active", "good"), found.account_name and f"“{found.account_name}”")
    yield Fact("Token", good, "The carrier accepts it.")
    if found.owns_sender is None:
        yield Fact(
            "From", warn, f"The carrier does not say whether the account may text from {found.sender}."
        )
    elif found.owns_sender:
        yield Fact("From", good, f"The account may text from {found.sender}.")
    else:
        yield Fact(
            "From", bad, f"The account may not text from {found.sender}: set ATLAS_FROM to one of its."
        )
    if found.may_list:
        yield Fact("List of messages", good, "A text whose answer is lost on the way can be looked up.")
    else:
        yield Fact("List of messages", bad, "A text whose answer is lost on the way stays “unknown”.")


class ShowsAtlas(_ProfilePage):
    """Beside the profiles: the provider that needs none."""

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("atlas/", wrap(self.atlas), name="sms_userprofile_atlas"),
            path("atlas/check/", wrap(self.check_atlas), name="sms_userprofile_atlas_check"),
            path("atlas/<int:pk>/", wrap(self.enable_atlas), name="sms_userprofile_atlas_enable"),
            *super().get_urls(),
        ]

    def atlas(self, request: HttpRequest) -> HttpResponse:
        """What is configured, whether it works, and who may use it; to others than Admins, what concerns
        them."""
        if not may_see(request.user, SmsTemplate) and not is_admin(request.user):
            raise PermissionDenied
        me: Any = request.user
        users = get_user_model().objects.filter(is_active=True)
        shown: list[Any] = [me]
        if is_admin(request.user):
            of_all = users.select_related("sms_profile").prefetch_related("groups").order_by("username")
            shown = list(of_all[:MOST_USERS])
        used = AtlasDay.used_today(user.pk for user in shown)
        found = AtlasCheck.last()
        context = {
            **self.admin_site.each_context(request),
            "place": "admin:sms_userprofile_atlas",
            "is_admin": is_admin(request.user),
            "configured": bool(settings.ATLAS_ACCOUNT_SID),
            "account_sid": settings.ATLAS_ACCOUNT_SID,
            "sender": settings.ATLAS_FROM,
            "cap": settings.ATLAS_MAX_PER_DAY,
            "has_secondary": bool(settings.ATLAS_SECONDARY_AUTH_TOKEN),
            "found": found,
            "facts": list(facts(found)) if found else [],
            "mine": UserProfile.of(me).atlas_enabled,
            "may_send": me.has_perm("sms.add_smstemplate") or me.has_perm("sms.change_smstemplate"),
            "used": used.get(me.pk, 0),
            "members": [self._member(request, user, used) for user in shown],
            "left": max(0, users.count() - len(shown)) if is_admin(request.user) else 0,
        }
        return render(request, "sms/atlas.html", context)

    def check_atlas(self, request: HttpRequest) -> HttpResponse:
        """Ask the carrier now."""
        _refuse_others(request)
        if request.method == "POST" and settings.ATLAS_ACCOUNT_SID:
            found = check(request.user.get_username())
            if found.works:
                self.message_user(request, "Atlas works.", messages.SUCCESS)
            else:
                self.message_user(request, "The check found something: see below.", messages.WARNING)
        return _back()

    def enable_atlas(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Let a user send with Atlas, or not any more."""
        _refuse_others(request)
        user = get_object_or_404(get_user_model(), pk=pk)
        if not may_manage(request.user, user) and user != request.user:
            raise PermissionDenied
        if request.method == "POST":
            wanted = request.POST.get("enable") == "yes"
            profile, _ = UserProfile.objects.get_or_create(user=user)
            UserProfile.objects.filter(pk=profile.pk, atlas_enabled=not wanted).update(atlas_enabled=wanted)
            words = "may send with Atlas." if wanted else "may no longer send with Atlas: their tools say so."
            self.message_user(request, f"{user} {words}", messages.SUCCESS)
        return _back()

    def _member(self, request: HttpRequest, user: Any, used: dict[int, int]) -> Member:
        profile = getattr(user, "sms_profile", None)
        return Member(
            user=user,
            rank=rank(user),
            # Who never had a profile has what a new one has.
            is_enabled=profile.atlas_enabled if profile else UserProfile().atlas_enabled,
            used=used.get(user.pk, 0),
            may_change=may_manage(request.user, user),
        )


def _refuse_others(request: HttpRequest) -> None:
    if not is_admin(request.user):
        raise PermissionDenied


def _back() -> HttpResponse:
    return HttpResponseRedirect(reverse("admin:sms_userprofile_atlas"))
