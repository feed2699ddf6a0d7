"""The forms for opt-outs, and what those for templates and actions share."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from sms import numbers, verification
from sms.choosing import SenderInput
from sms.models import SENDER_CHARACTERS, OnDoubt, OptOut, ProviderName, UserProfile, Wait
from sms.roles import WAIVE_CONSENT
from sms.validators import tidied_sender

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


class SendableForm(forms.ModelForm):  # type: ignore[type-arg]
    """What the forms for templates and actions share: a provider that the owner may use, and for how long."""

    # Who asks, and where others use what is shared; the page sets it.
    user: ClassVar[Any]
    used_by_others: ClassVar[SafeString | str] = ""

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
        if "wait_seconds" in self.fields:
            wait: Any = self.fields["wait_seconds"]
            wait.required, wait.empty_value = False, Wait.NOT
        if "owner" in self.fields:
            owner: Any = self.fields["owner"].widget
            owner.can_add_related = owner.can_change_related = False
            owner.can_view_related = owner.can_delete_related = False
        if "description" in self.fields:
            self.fields["description"].widget.attrs["rows"] = 3
        if "is_shared" in self.fields and self.used_by_others:
            shared = self.fields["is_shared"]
            shared.help_text = format_html(
                "{} Switched off, nothing of it is sent any more in {}.",
                shared.help_text,
                self.used_by_others,
            )
        if "transactional" in self.fields and not self.user.has_perm(WAIVE_CONSENT):
            self._leave_consent()
        if "provider" in self.fields:
            self._offer_providers()
        if "sender" in self.fields:
            self._offer_senders()

    def _leave_consent(self) -> None:
        """Whoever may not decide that no consent is needed may only have the agent ask again."""
        decided = bool(self.instance.pk and self.instance.transactional)
        self.fields["transactional"].disabled = not decided
        self.fields["transactional_because"].disabled = True
        who = "An administrator has decided this; you may only take it back." if decided else _ADMINS_WAIVE
        self.fields["transactional"].help_text = who

    def _offer_senders(self) -> None:
        profile = UserProfile.of(self.instance.owner)
        default = profile.twilio_from
        widget = SenderInput(f"The default: {default}" if default else "The default")
        widget.attrs["maxlength"] = SENDER_CHARACTERS
        widget.senders = profile.senders
        self.fields["sender"].widget = widget

    def _offer_providers(self) -> None:
        """Leave a choice where both are enabled, and state the provider elsewhere."""
        field = self.fields["provider"]
        profile = UserProfile.of(self.instance.owner)
        enabled = profile.enabled_providers()
        # What is stored is shown as it is; saving it so is refused.
        stored = [ProviderName(self.instance.provider)] if self.instance.pk else []
        offered = list(dict.fromkeys([*stored, *enabled]))
        if len(offered) == len(ProviderName):
            return
        only = offered[0] if offered else ProviderName.TWILIO
        self.initial["provider"] = only.value
        field.disabled = True
        field.widget = Stated(self._stated(only, enabled, profile))
        field.help_text = ""

    def _stated(self, provider: ProviderName, enabled: Collection[ProviderName], profile: UserProfile) -> str:
        """Which provider it is, and why there is no choice."""
        whom = "you" if profile.user == self.user else str(profile.user)
        if provider not in enabled:
            return f"None is enabled for {whom}. An administrator enables one on the user's profile."
        other = next(each for each in ProviderName if each != provider)
        if other == ProviderName.ATLAS and profile.atlas_enabled:
            return f"{provider.label}. Atlas is not set up here: the operator does that."
        name = other.label.partition(" (")[0]
        return f"{provider.label}, the only one enabled for {whom}. An administrator may enable {name}."

    def _get_validation_exclusions(self) -> set[str]:
        # The owner is known even where the form does not show it, so what is unique per owner is checked.
        return super()._get_validation_exclusions() - {"owner"}  # type: ignore[misc,no-any-return]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        sender = tidied_sender(cleaned.get("sender") or "")
        is_new = {"sender", "owner", "provider"} & set(self.changed_data)
        if sender and is_new and cleaned.get("provider") == ProviderName.TWILIO:
            owner = cleaned.get("owner") or self.instance.owner
            try:
                verification.refuse_foreign(sender, self.senders_of(owner), _VERIFY_AGAIN)
            except ValidationError as error:
                self.add_error("sender", error)
        return cleaned

    def senders_of(self, owner: Any) -> Mapping[str, str] | None:
        """The senders of the owner's account, as far as they are known."""
        senders: Mapping[str, str] | None = UserProfile.of(owner).senders
        return senders


_ADMINS_WAIVE = (
    "The agent asks the caller before this text is sent. Only an administrator may decide that it need not."
)
_VERIFY_AGAIN = (
    " If you have just got it at Twilio, press “Verify again” under Account > My profile: then it is known "
    "here."
)


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
        labels: ClassVar = {"evidence": "What they said"}
        help_texts: ClassVar = {
            "evidence": "In their own words, or how you know of it. It is kept as evidence."
        }

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
