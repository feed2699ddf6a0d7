"""The forms for profiles and opt-outs, and what those for templates and actions share."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.widgets import (
    UnfoldAdminPasswordWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from sms import numbers, outbox
from sms.models import OnDoubt, OptOut, ProviderName, UserProfile

# Twilio's tokens have 32 characters; room for those of others that speak its API.
MAX_TOKEN_CHARACTERS = 128

SPANS = {
    60: "1 minute",
    300: "5 minutes",
    900: "15 minutes",
    1800: "30 minutes",
    3600: "1 hour",
    4 * 3600: "4 hours",
    10 * 3600: "10 hours",
}


class Stated(forms.TextInput):
    """A field that leaves no choice: its value in words, and unseen for the form."""

    def __init__(self, words: str) -> None:
        super().__init__()
        self.words = words

    def render(
        self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None
    ) -> SafeString:
        return format_html(
            '<p class="mc-stated">{}</p><input type="hidden" id="{}" name="{}" value="{}">',
            self.words,
            (attrs or {}).get("id", f"id_{name}"),
            name,
            value or "",
        )


class TokenField(forms.CharField):
    """A secret that is written and never shown: what is stored is not rendered, blank keeps it."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            required=False,
            max_length=MAX_TOKEN_CHARACTERS,
            widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password", "spellcheck": "false"}),
            **kwargs,
        )

    def clean(self, value: Any) -> Any:
        token = super().clean(value)
        if token and not (token.isascii() and token.isprintable() and " " not in token):
            raise ValidationError("A token has no spaces and no special characters: copy it once more.")
        return token


class SendableForm(forms.ModelForm):  # type: ignore[type-arg]
    """What the forms for templates and actions share: a provider that the owner may use, and for how long."""

    # Who asks; the page sets it.
    user: ClassVar[Any]

    send_within_seconds = forms.TypedChoiceField(
        label="Send within",
        coerce=int,
        widget=UnfoldAdminSelectWidget,
        initial=900,
        help_text="A text that could not be sent in this time is dropped: nobody wants it hours after the "
        "call.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.owner_id is None:
            self.instance.owner = self.user
        if "send_within_seconds" in self.fields:
            spans = {**SPANS}
            spans.setdefault(
                self.instance.send_within_seconds, f"{self.instance.send_within_seconds} seconds"
            )
            self.fields["send_within_seconds"].choices = sorted(spans.items())  # type: ignore[attr-defined]
        if "on_doubt" in self.fields:
            # A request without it means the usual.
            on_doubt: Any = self.fields["on_doubt"]
            on_doubt.required, on_doubt.empty_value = False, OnDoubt.RESEND
        if "owner" in self.fields:
            owner: Any = self.fields["owner"].widget
            owner.can_add_related = owner.can_change_related = False
            owner.can_view_related = owner.can_delete_related = False
        if "description" in self.fields:
            self.fields["description"].widget.attrs["rows"] = 3
        if "provider" in self.fields:
            self._offer_providers()

    def _offer_providers(self) -> None:
        field = self.fields["provider"]
        profile = UserProfile.of(self.instance.owner)
        enabled = profile.enabled_providers()
        if self.instance.pk and self.instance.provider not in enabled:
            # What is stored must be shown as it is; saving it so is refused.
            enabled = [ProviderName(self.instance.provider), *enabled]
        field.choices = [(provider.value, provider.label) for provider in enabled]  # type: ignore[attr-defined]
        if len(enabled) == 2:
            return
        only = enabled[0] if enabled else ProviderName.TWILIO
        self.initial["provider"] = only.value
        field.disabled = True
        field.widget = Stated(_only(only, profile) if enabled else _NO_PROVIDER)
        field.help_text = ""

    def _get_validation_exclusions(self) -> set[str]:
        # The owner is known even where the form does not show it, so what is unique per owner is checked.
        return super()._get_validation_exclusions() - {"owner"}  # type: ignore[misc,no-any-return]


_NO_PROVIDER = "No provider is enabled for the owner. An administrator enables one on the user's profile."


def _only(provider: ProviderName, profile: UserProfile) -> str:
    if provider == ProviderName.ATLAS:
        return f"{provider.label}. Twilio is not enabled for {profile.user}."
    why = "is not enabled for " + str(profile.user) if not profile.atlas_enabled else "is not set up here"
    return f"{provider.label}. Atlas {why}."


class UserProfileForm(forms.ModelForm):  # type: ignore[type-arg]
    auth_token = TokenField(label="Auth Token")
    remove_token = forms.BooleanField(
        label="Remove the stored token",
        required=False,
        widget=UnfoldBooleanSwitchWidget,
        help_text="From then on, none of this user's Twilio templates and actions sends anything.",
    )

    secondary_token = TokenField(label="Secondary Auth Token")
    remove_secondary = forms.BooleanField(
        label="Remove the secondary token",
        required=False,
        widget=UnfoldBooleanSwitchWidget,
        help_text="Once Twilio has promoted it: enter it above as the Auth Token first.",
    )

    # Field, removal and where they are stored.
    TOKENS: ClassVar = [
        ("auth_token", "remove_token", "twilio_auth_token"),
        ("secondary_token", "remove_secondary", "twilio_secondary_token"),
    ]

    class Meta:
        model = UserProfile
        exclude: ClassVar[list[str]] = []  # noqa: DJ006 (the page's fieldsets name the fields)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "auth_token" in self.fields:
            self.fields["auth_token"].help_text = token_help(self.instance)
        if "secondary_token" in self.fields:
            stored = "One is stored. " if self.instance.twilio_secondary_token else ""
            self.fields[
                "secondary_token"
            ].help_text = (
                f"{stored}Only while you rotate the token at Twilio: receipts may be signed with either."
            )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        for token, removal, _ in self.TOKENS:
            if cleaned.get(token) and cleaned.get(removal):
                self.add_error(removal, "Either enter a new token or remove the stored one.")
        return cleaned

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        for token, removal, stored in self.TOKENS:
            if self.cleaned_data.get(removal):
                setattr(self.instance, stored, None)
            elif self.cleaned_data.get(token):
                setattr(self.instance, stored, self.cleaned_data[token])

    def resume(self) -> None:
        """Let what was held for the old credentials' sake go on with the new ones."""
        if self.cleaned_data.get("auth_token") and self.instance.twilio_account_sid:
            outbox.release(self.instance.twilio_account_sid)


def token_help(profile: UserProfile) -> str:
    """Whether a token is stored, and what an entry does."""
    if profile.twilio_auth_token:
        return "A token is stored; it is never shown. Leave this empty to keep it."
    return "None is stored yet. It stands beside the Account SID in the Twilio console."


class OptOutForm(forms.ModelForm):  # type: ignore[type-arg]
    recipient = forms.CharField(
        label="Number",
        max_length=40,
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "+1 312 555 0100", "inputmode": "tel"}),
        help_text="With + and the country code. Texts to it that still wait are blocked at once.",
    )

    class Meta:
        model = OptOut
        fields = ("recipient", "evidence")

    def clean_recipient(self) -> str:
        try:
            recipient = numbers.parse(self.cleaned_data["recipient"])
        except numbers.NotANumber as error:
            raise ValidationError(str(error)) from error
        if OptOut.stands_for(recipient):
            raise ValidationError("This number has opted out already.")
        return recipient


class LiftForm(forms.Form):
    because = forms.CharField(
        label="Reason",
        max_length=300,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text="Who asked for it, and how: “Texted START on 3 May”, “Asked us to on the phone”.",
    )


class CancelForm(forms.Form):
    because = forms.CharField(
        label="Reason",
        max_length=200,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text="Whoever looks for this text later reads it: “The restaurant is closed on Friday”.",
    )


def is_own(profile: UserProfile, user: AbstractBaseUser | Any) -> bool:
    """Whether a profile is the user's own."""
    return bool(user.pk) and profile.user_id == user.pk
