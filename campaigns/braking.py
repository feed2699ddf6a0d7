"""The pages of the automatic brake: a campaign's own, with its figures, and that of the installation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_post_parameters
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminPasswordWidget,
    UnfoldAdminURLInputWidget,
    UnfoldBooleanSwitchWidget,
)

from campaigns import alarms, brake, switches
from campaigns.beneath import BeneathCampaign
from campaigns.brake import Recent
from campaigns.models import Alarm, Brake, Campaign
from sms.pages import Page

MAX_SECRET_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Gauge:
    """One figure of the last ten minutes, and from when on it pauses; `usual` is "" where none is."""

    what: str
    now: int
    most: str
    usual: str = ""


class BrakeForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = Brake
        fields: ClassVar = ["is_on", "times_usual", "texts", "texts_abroad", "failed_percent", "failed"]
        widgets: ClassVar = {
            name: UnfoldBooleanSwitchWidget if name == "is_on" else UnfoldAdminIntegerFieldWidget
            for name in fields
        }


class BrakePage(BeneathCampaign):
    """The view that lies under a campaign, beside its form."""

    def urls(self) -> list[URLPattern]:
        """Its address, behind the log-in."""
        view = self.page.admin_site.admin_view(self.brake)
        return [path("<int:pk>/brake/", view, name="campaigns_campaign_brake")]

    def brake(self, request: HttpRequest, pk: int) -> HttpResponse:
        """See the figures of the last ten minutes, and decide from when on they pause the campaign."""
        campaign = self.campaign(request, pk)
        may_change = switches.may_pause(request.user, campaign)
        if request.method == "POST" and not may_change:
            raise PermissionDenied
        form = BrakeForm(request.POST or None, instance=Brake.of(campaign))
        if request.method == "POST" and form.is_valid():
            form.save()
            self.page.message_user(request, "The automatic brake is saved.", messages.SUCCESS)
            return HttpResponseRedirect(request.path)
        if not may_change:
            for each in form.fields.values():
                each.disabled = True
        stored = Brake.of(campaign)
        context = {
            "form": form,
            "gauges": gauges(campaign, stored),
            "is_on": stored.is_on,
            "may_change": may_change,
            "unheard": alarms.unheard(switches.scope_of(campaign)),
        }
        return self.render(request, campaign, "campaigns/brake.html", "Automatic brake", context)


def gauges(campaign: Campaign, of: Brake) -> list[Gauge]:
    """A campaign's figures of the last ten minutes, since it was last let go on."""
    now = brake.recent()[0].get(campaign.pk, Recent())
    usual = brake.usual([campaign.pk])[campaign.pk]
    found = [_volume("Texts", now.texts, of.texts, of, usual.texts)]
    found += [
        _volume(f"Texts to {country}", texts, of.texts_abroad, of, usual.by_country.get(country, 0))
        for country, texts in sorted(now.by_country.items())
        if country not in ("", campaign.country)
    ]
    failures = f"{of.failed} or more, if they are {of.failed_percent} % of the texts"
    return [*found, Gauge("Failed texts", now.failed, failures)]


def _volume(what: str, now: int, floor: int, of: Brake, usual: float) -> Gauge:
    most = brake.limit(floor, of, usual)
    return Gauge(what, now, f"more than {most}", f"usual is {round(usual)}" if usual else "none is usual yet")


class AlarmForm(forms.ModelForm):  # type: ignore[type-arg]
    """Blank keeps the secret that is stored."""

    url = forms.URLField(
        label="Webhook",
        required=False,
        max_length=Alarm.URL_CHARACTERS,
        assume_scheme="https",
        widget=UnfoldAdminURLInputWidget,
        help_text="An https:// address that gets a signed POST each time the brake pauses something. Empty: "
        "e-mail alone.",
    )
    new_secret = forms.CharField(
        label="Webhook secret",
        required=False,
        max_length=MAX_SECRET_CHARACTERS,
        strip=True,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password", "spellcheck": "false"}),
    )

    class Meta:
        model = Alarm
        fields: ClassVar = ["url", "is_on", "failed_percent", "failed"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "new_secret" in self.fields:
            self.fields["new_secret"].help_text = (
                "One is stored. Leave this empty to keep it."
                if self.instance.secret
                else "What the notices are signed with, as Standard Webhooks has it: whsec_ and 32 bytes in "
                'Base64. Make one with: echo "whsec_$(openssl rand -base64 32)"'
            )

    def clean_url(self) -> str:
        url = str(self.cleaned_data["url"])
        if url and (why := alarms.refusal(url)):
            raise ValidationError(why)
        return url

    def clean_new_secret(self) -> str:
        secret = str(self.cleaned_data["new_secret"])
        if secret:
            Alarm.key(secret)
        return secret

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        has_secret = cleaned.get("new_secret") or self.instance.secret
        if cleaned.get("url") and not has_secret and "new_secret" not in self.errors:
            self.add_error("new_secret", "A webhook is signed: give it a secret.")
        return cleaned

    def save(self, commit: bool = True) -> Any:
        if secret := self.cleaned_data.get("new_secret"):
            self.instance.secret = secret
        return super().save(commit)


@admin.register(Alarm)
class AlarmAdmin(Page[Alarm]):
    """One row, which is there as soon as somebody has decided something."""

    form = AlarmForm
    fieldsets = (
        ("Webhook", {"fields": ("url", "new_secret")}),
        ("Accounts, whichever campaigns they send for", {"fields": ("is_on", "failed_percent", "failed")}),
    )
    change_form_template = "campaigns/alarm.html"

    def get_urls(self) -> list[URLPattern]:
        test = self.admin_site.admin_view(self.test)
        return [path("test/", test, name="campaigns_alarm_test"), *super().get_urls()]

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Alarm | None:
        return Alarm.load() if object_id == "1" else None

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return HttpResponseRedirect(_address())

    @method_decorator(sensitive_post_parameters("new_secret"))
    def changeform_view(self, *args: Any, **kwargs: Any) -> Any:
        return super().changeform_view(*args, **kwargs)

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        context = {**context, "unheard": alarms.unheard()}
        return super().render_change_form(request, context, *args, **kwargs)

    def test(self, request: HttpRequest) -> HttpResponse:
        """Send a notice with nothing in it, and say what came of it."""
        if not self.has_change_permission(request) or request.method != "POST":
            raise PermissionDenied
        notice = alarms.test()
        if notice.delivered_at:
            self.message_user(request, "The webhook has taken the test.", messages.SUCCESS)
        else:
            self.message_user(request, f"The test was not delivered. {notice.problem}", messages.WARNING)
        return HttpResponseRedirect(_address())

    def response_change(self, request: HttpRequest, obj: Alarm) -> HttpResponse:
        self.message_user(request, "Saved.", messages.SUCCESS)
        return HttpResponseRedirect(_address())

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Alarm | None = None) -> bool:
        return False


def _address() -> str:
    return reverse("admin:campaigns_alarm_change", args=[1])
