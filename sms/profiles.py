"""The page of a user's profile: providers, credentials as they were verified, and what hangs on them.

It is registered by the floors above, which know what stops without the credentials.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.views.decorators.debug import sensitive_post_parameters
from unfold.decorators import action

from sms import verification
from sms.atlas import ShowsAtlas
from sms.credentials import UserProfileForm, VerifiedForm
from sms.models import ProviderName, Sendable, SmsTemplate, UserProfile
from sms.pages import Page, label, links_to
from sms.roles import is_admin, may_manage

if TYPE_CHECKING:
    _Page = Page[Any]
else:
    _Page = object

VERIFY = "_verify"
SECRETS = ("auth_token", "secondary_token", "api_secret")
SECRET_PARAMETERS = (*SECRETS, *verification.SECRETS)


class Verifies(_Page):
    """A page that credentials are entered on: the provider is asked before the transaction begins."""

    form: type[VerifiedForm]

    def profile_entered(self, request: HttpRequest, object_id: str | None) -> UserProfile | None:
        """The stored profile whose credentials a request may change; None if it may none."""
        raise NotImplementedError

    @method_decorator(sensitive_post_parameters(*SECRETS))
    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        with verification.known(self._checked(request, object_id)):
            return super().changeform_view(request, object_id, form_url, extra_context)

    def _checked(self, request: HttpRequest, object_id: str | None) -> verification.Checked | None:
        stored = self.profile_entered(request, object_id) if request.method == "POST" else None
        if stored is None:
            return None
        draft = self.form.entered(stored, request.POST)
        if VERIFY not in request.POST and not verification.differs(stored, draft):
            return None
        checked = verification.check(stored, draft)
        if checked and checked.wrong and not checked.is_new and stored.pk:
            # What is stored is not accepted any more, whatever becomes of the form.
            verification.note(stored, checked)
        return checked

    def sends(self, profile: UserProfile) -> list[Sendable]:
        """What is sent with a profile's Twilio account; whoever knows of more than templates says it."""
        return list(SmsTemplate.objects.filter(owner=profile.user, provider=ProviderName.TWILIO))

    def say_what_was_found(self, request: HttpRequest, profile: UserProfile) -> None:
        """Tell who stored credentials what the provider said of them, and what does not go with them."""
        self._say_what_lacks_a_sender(request, profile)
        checked = verification.found()
        if checked is None:
            return
        if checked.account:
            self.message_user(request, f"Verified with Twilio: {_found(profile)}.", messages.SUCCESS)
        if checked.words():
            self.message_user(request, checked.words(), messages.WARNING)
        foreign = [
            each for each in self.sends(profile) if verification.is_foreign(each.sender, profile.senders)
        ]
        if foreign:
            words = "The account does not have the From of {}: choose another one there."
            self.message_user(request, format_html(words, links_to(foreign)), messages.WARNING)

    def _say_what_lacks_a_sender(self, request: HttpRequest, profile: UserProfile) -> None:
        if not profile.has_credentials or profile.twilio_from:
            return
        if lacking := [each for each in self.sends(profile) if not each.sender]:
            words = "No From is chosen: until one is, nothing is sent of {}."
            self.message_user(request, format_html(words, links_to(lacking)), messages.WARNING)


class UserProfileAdmin(ShowsAtlas, Verifies, Page[UserProfile]):
    """Everybody's own profile; Admins reach the others' from the user's page."""

    form = UserProfileForm
    list_display = ("user", "has_credentials", "verified", "twilio_from", "twilio_enabled", "atlas_enabled")
    list_select_related = ("user",)
    ordering = ("user__username",)
    actions_submit_line = ("verify_again",)
    fieldsets = (
        (
            "Twilio",
            {
                "description": "Entered once, used by all of the user's own Twilio templates and actions. "
                "Twilio is asked before anything is stored.",
                "fields": (
                    "account",
                    "twilio_account_sid",
                    "auth_token",
                    "remove_token",
                    "secondary_token",
                    "remove_secondary",
                    "twilio_from",
                ),
            },
        ),
        (
            "API key",
            {
                "description": "Optional. With one, texts are sent with the key, which can be revoked by "
                "itself; enter the Auth Token above all the same, for Twilio signs its receipts with it.",
                "fields": ("twilio_api_key", "api_secret", "remove_key"),
            },
        ),
        ("Providers", {"fields": ("twilio_enabled", "atlas_enabled")}),
    )

    @admin.display(description="credentials", boolean=True)
    def has_credentials(self, obj: UserProfile) -> bool:
        return obj.has_credentials

    @admin.display(description="Verified")
    def verified(self, obj: UserProfile) -> str:
        return verification.when(obj) if obj.has_credentials else "–"

    @admin.display(description="Account")
    def account(self, obj: UserProfile) -> SafeString | str:
        """What is stored, how it was found, and what does not work with it."""
        if deactivated := obj.deactivated():
            return format_html(
                '<span class="mc-stated">{} {}</span>', label("deactivated", "warn"), deactivated
            )
        if not obj.has_credentials:
            return "No credentials are stored: nothing is sent with Twilio."
        tone = "good" if obj.verified_at else "warn"
        lines = [format_html("{} {}", label(verification.when(obj), tone), _found(obj))]
        lines += [format_html('<span class="mc-why">{}</span>', words) for words in _shortcomings(obj)]
        return format_html(
            '<div class="mc-stated">{}</div>', format_html_join("", "{}", ((x,) for x in lines))
        )

    def get_actions_submit_line(self, request: HttpRequest, object_id: Any) -> Any:
        profile = self.get_object(request, str(object_id))
        if profile and profile.has_credentials and self.has_change_permission(request, profile):
            return super().get_actions_submit_line(request, object_id)  # type: ignore[misc]
        return []

    @action(description="Verify again", attrs={"name": VERIFY})  # type: ignore[untyped-decorator]
    def verify_again(self, request: HttpRequest, obj: UserProfile) -> None:
        """Its button has a name by which the provider is asked before the form is read."""

    def losses(self, request: HttpRequest, profile: UserProfile) -> SafeString | str:
        """What stops when the profile can send no more; whoever knows of it says it."""
        return ""

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("me/", wrap(self.me), name="sms_userprofile_me"),
            path("senders/", wrap(self.senders), name="sms_userprofile_senders"),
            *super().get_urls(),
        ]

    def me(self, request: HttpRequest) -> HttpResponse:
        profile, _ = UserProfile.objects.get_or_create(user=_user(request))
        return HttpResponseRedirect(reverse("admin:sms_userprofile_change", args=[profile.pk]))

    @method_decorator(sensitive_post_parameters(*verification.SECRETS))
    def senders(self, request: HttpRequest) -> JsonResponse:
        """The senders of the user's own account, with what they have typed of its credentials so far.

        For a minute after these were verified, what was found then.
        """
        if request.method != "POST":
            return JsonResponse({"error": "Post the credentials."}, status=405, headers={"Allow": "POST"})
        stored = UserProfile.of(_user(request))
        if not self.may_enter(request, stored):
            return JsonResponse({"error": "You may not enter credentials."}, status=403)
        draft = verification.entered(stored, request.POST)
        if verification.is_fresh(stored) and not verification.differs(stored, draft):
            return JsonResponse(_offered(stored.senders, ""))
        checked = verification.check(stored, draft)
        if checked is None:
            return JsonResponse(_offered(None, ""))
        if checked.account:
            checked.note_on(draft)
            return JsonResponse(_offered(draft.senders, f"Twilio says: {_found(draft)}."))
        return JsonResponse(_offered(None, checked.unverified or str(checked.wrong)))

    def may_enter(self, request: HttpRequest, profile: UserProfile) -> bool:
        """Whether somebody may enter credentials that are theirs, here or anywhere."""
        return self.has_change_permission(request, profile)

    def profile_entered(self, request: HttpRequest, object_id: str | None) -> UserProfile | None:
        profile = self.get_object(request, object_id or "")
        return profile if profile and self.has_change_permission(request, profile) else None

    def get_queryset(self, request: HttpRequest) -> QuerySet[UserProfile]:
        profiles = super().get_queryset(request).select_related("user")
        if request.user.is_superuser:
            return profiles
        own = Q(user=_user(request))
        return profiles.filter(own | Q(user__is_superuser=False) if is_admin(request.user) else own)

    def get_form(
        self, request: HttpRequest, obj: UserProfile | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        # The class is made anew for each request, so that it may carry whose request it is.
        form: Any = super().get_form(request, obj, change, **kwargs)
        form.user = request.user
        form.losses = self.losses(request, obj) if obj else ""
        return form

    def get_fieldsets(self, request: HttpRequest, obj: UserProfile | None = None) -> Any:
        removals = UserProfileForm.REMOVALS
        unseen = {name for name, stored in removals.items() if not (obj and getattr(obj, stored))}
        if not self.has_change_permission(request, obj):
            # These are parts of the form, and not of what is stored.
            unseen = {*removals, *SECRETS}
        return [
            (title, {**options, "fields": [name for name in options["fields"] if name not in unseen]})
            for title, options in super().get_fieldsets(request, obj)
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("account",) if is_admin(request.user) else ("account", "twilio_enabled", "atlas_enabled")

    def has_module_permission(self, request: HttpRequest) -> bool:
        return True

    def has_view_permission(self, request: HttpRequest, obj: UserProfile | None = None) -> bool:
        return obj is None or obj.user_id == request.user.pk or may_manage(request.user, obj.user)

    def has_change_permission(self, request: HttpRequest, obj: UserProfile | None = None) -> bool:
        return super().has_change_permission(request, obj) and self.has_view_permission(request, obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: UserProfile | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: UserProfile, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        form.resume()

    def response_change(self, request: HttpRequest, obj: UserProfile) -> HttpResponse:
        self.message_user(request, "The profile is saved.", messages.SUCCESS)
        self.say_what_was_found(request, obj)
        return HttpResponseRedirect(request.path)


def _found(profile: UserProfile) -> str:
    """What was found of an account, in a few words."""
    if profile.verified_at is None:
        return ""
    # A key does not let an account be seen, only what it holds.
    what = (
        f"“{profile.account_name}” is {profile.account_status}" if profile.account_name else "the key works"
    )
    if profile.senders is None:
        return what
    services = sum(address.startswith("MG") for address in profile.senders)
    numbers = _count(len(profile.senders) - services, "number")
    return f"{what}, with {numbers} and {_count(services, 'Messaging Service')} to text from"


def _count(many: int, noun: str) -> str:
    return f"{many or 'no'} {noun}{'' if many == 1 else 's'}"


def _shortcomings(profile: UserProfile) -> list[str]:
    found = [profile.refused_because] if profile.refused_because else []
    if not profile.twilio_auth_token:
        found.append(verification.KEY_ONLY)
    if profile.may_list is False:
        found.append(verification.MAY_NOT_LIST)
    if profile.verified_at and profile.senders is None:
        found.append("Twilio does not say which numbers the account has; a From is not checked against them.")
    return found


def _offered(senders: Mapping[str, str] | None, words: str) -> dict[str, Any]:
    if senders is None:
        return {"senders": None, "words": words}
    listed = verification.listed(senders)
    return {"senders": [{"address": address, "words": name} for address, name in listed], "words": words}


def _user(request: HttpRequest) -> Any:
    # Behind admin_view nobody is anonymous.
    return request.user
