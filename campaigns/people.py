"""The pages of users as campaigns know them: what they own, and how it is handed over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminSelectWidget

from builder.users import UserAdmin as BareUserAdmin
from campaigns import ownership
from campaigns.models import Campaign
from campaigns.ownership import Plan
from sms.models import Message, UserProfile
from sms.pages import may_see
from sms.roles import is_admin

if TYPE_CHECKING:
    from sms.pages import Page

    _Page = Page[Any]
else:
    _Page = object


class HandOverForm(forms.Form):
    """What is handed over, and to whom."""

    to = forms.ModelChoiceField(
        queryset=User.objects.none(),
        label="To",
        empty_label="Choose who gets it",
        widget=UnfoldAdminSelectWidget,
        help_text="Whoever may add templates and actions, and is active.",
    )
    things = forms.MultipleChoiceField(
        widget=forms.CheckboxSelectMultiple, error_messages={"required": "Choose what is handed over."}
    )

    def __init__(self, owner: Any, owned: list[Any], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.by_key = {ownership.key(thing): thing for thing in owned[: ownership.MOST_AT_ONCE]}
        to: Any = self.fields["to"]
        to.queryset = ownership.recipients(owner)
        things: Any = self.fields["things"]
        things.choices = [(key, str(thing)) for key, thing in self.by_key.items()]

    @property
    def chosen(self) -> list[Any]:
        return [self.by_key[key] for key in self.cleaned_data["things"]]

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The things to choose from, each with its kind and whether it is chosen."""
        chosen = self["things"].value() or []
        return [
            {"key": key, "thing": thing, "noun": thing._meta.verbose_name, "is_chosen": key in chosen}
            for key, thing in self.by_key.items()
        ]


class UserAdmin(BareUserAdmin):
    """A user, with what belongs to them."""

    change_form_template = "admin/auth/user/change_form.html"

    def get_urls(self) -> list[URLPattern]:
        hand_over = self.admin_site.admin_view(self.hand_over)
        return [path("<int:pk>/hand-over/", hand_over, name="auth_user_hand_over"), *super().get_urls()]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        user = self.get_object(request, object_id)
        context = {"owns": _counted(user), "may_hand_over": is_admin(request.user)} if user else {}
        return super().change_view(request, object_id, form_url, {**context, **(extra_context or {})})

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if change and "is_active" in form.changed_data and not obj.is_active and (owns := _counted(obj)):
            words = format_html(
                "Nothing is sent for {} any more, and what they own waits: {}. <a href='{}'>Hand it over</a>",
                obj,
                owns,
                reverse("admin:auth_user_hand_over", args=[obj.pk]),
            )
            self.message_user(request, words, messages.WARNING)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        # Asked first: Django would list each of perhaps a million texts.
        protected = [reason for user in objs if (reason := _in_the_way(user))]
        if protected:
            return [], {}, set(), protected
        deleted, counts, lacking, protected = super().get_deleted_objects(objs, request)
        # It goes with its user, and nobody deletes one by itself.
        lacking.discard(UserProfile._meta.verbose_name)
        return deleted, counts, lacking, protected

    def hand_over(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Choose what is handed over, see what changes, and do it."""
        owner = get_object_or_404(User, pk=pk)
        if owner != request.user and not is_admin(request.user):
            raise PermissionDenied
        if request.user != owner and not self.has_view_permission(request, owner):
            raise PermissionDenied
        owned = ownership.owned(owner, request.user)
        # Where one comes from a thing's own page, it is that.
        keys = {ownership.key(thing) for thing in owned}
        chosen = set(request.GET.getlist("thing")) & keys or keys
        form = HandOverForm(owner, owned, request.POST or None, initial={"things": chosen})
        plan = None
        if request.method == "POST" and form.is_valid():
            to, digest = form.cleaned_data["to"], request.POST.get("_digest", "")
            plan = ownership.hand_over(
                form.chosen, to, request.user, lambda plan: bool(digest) and plan.digest == digest
            )
            if plan.is_done:
                return self._handed_over(request, owner, to, plan)
            if digest:
                words = "Something changed meanwhile. This is what would happen now."
                self.message_user(request, words, messages.WARNING)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": owner,
            "title": f"Hand over what belongs to {owner}",
            "crumb": "Hand over",
            "form": form,
            "plan": plan,
            "effects": _seen(request, plan) if plan else [],
            "is_own": owner == request.user,
            "left": max(0, len(owned) - ownership.MOST_AT_ONCE),
            "back": self._back(request, owner),
        }
        request.current_app = self.admin_site.name
        return render(request, "campaigns/hand_over.html", context)

    def _handed_over(self, request: HttpRequest, owner: User, to: User, plan: Plan) -> HttpResponse:
        for change in plan.changes:
            self.log_change(request, change.thing, ownership.HISTORY.format(owner, to))
        count = len(plan.changes)
        what = f"“{plan.changes[0].thing}” now belongs" if count == 1 else f"{count} things now belong"
        self.message_user(request, f"{what} to {to}.", messages.SUCCESS)
        return HttpResponseRedirect(self._back(request, owner))

    def _back(self, request: HttpRequest, owner: User) -> str:
        if self.has_view_permission(request, owner):
            return reverse("admin:auth_user_change", args=[owner.pk])
        return reverse("admin:index")


class Belongs(_Page):
    """A page of something that has an owner: whose it is, and the way to hand it over."""

    change_form_outer_after_template = "campaigns/belongs.html"

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        thing = self.get_object(request, object_id)
        context = {"hand_over": _address(request, thing)} if thing else {}
        return super().change_view(request, object_id, form_url, {**context, **(extra_context or {})})


def _address(request: HttpRequest, thing: Any) -> str:
    """Where a thing is handed over; "" for whoever may not."""
    is_own = thing.owner_id == request.user.pk and not isinstance(thing, Campaign)
    if not (is_admin(request.user) or is_own):
        return ""
    return f"{reverse('admin:auth_user_hand_over', args=[thing.owner_id])}?thing={ownership.key(thing)}"


def _counted(user: User) -> str:
    """What belongs to a user, in a few words: "2 SMS templates, 1 campaign"; "" if nothing does."""
    counts = [
        (model._meta, model._default_manager.filter(owner=user).count()) for model in ownership.KINDS.values()
    ]
    return ", ".join(
        f"{count} {meta.verbose_name if count == 1 else meta.verbose_name_plural}"
        for meta, count in counts
        if count
    )


def _in_the_way(user: User) -> SafeString | str:
    """Why a user cannot be deleted, and what to do instead; "" if they can."""
    if owns := _counted(user):
        return format_html(
            "{} owns {}: <a class='mc-link' href='{}'>hand that over</a> first.",
            user,
            owns,
            reverse("admin:auth_user_hand_over", args=[user.pk]),
        )
    if Message.objects.filter(profile__user=user).exists():
        return f"Texts were sent for {user}, and stay on record: deactivate them instead."
    return ""


def _seen(request: HttpRequest, plan: Plan) -> list[tuple[Campaign | None, str]]:
    """What changes in campaigns, by name as far as the user may see them."""
    sees = may_see(request.user, Campaign)
    return [(campaign if sees else None, words) for campaign, words in plan.effects]


admin.site.register(get_user_model(), UserAdmin)
