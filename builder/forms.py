"""The forms for topics and SMS actions."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminTextInputWidget

from builder.models import MAX_QUESTIONS, SmsAction, Topic
from builder.widgets import Lines
from sms import outbox
from sms.forms import SendableForm, TokenField, is_own, token_help
from sms.models import SENDER_CHARACTERS, ProviderName, SmsTemplate, UserProfile
from sms.validators import validate_sender

MAX_LISTED_TEMPLATES = 100


class TopicForm(forms.ModelForm):  # type: ignore[type-arg]
    questions = Lines(
        max_lines=MAX_QUESTIONS,
        max_length=300,
        label="Sample questions",
        required=False,
        help_text="How callers ask about it, in their words, one question a line. Three or more help the "
        "agent find the topic.",
    )

    class Meta:
        model = Topic
        exclude: ClassVar[list[str]] = ["owner"]  # noqa: DJ006 (the page's fieldsets name the fields)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, rows in (("content", 6), ("actions", 5)):
            if name in self.fields:
                self.fields[name].widget.attrs["rows"] = rows
        if "actions" in self.fields:
            self.fields["actions"].help_text = _with_references(str(self.fields["actions"].help_text))


def _with_references(help_text: str) -> SafeString:
    names = SmsTemplate.objects.filter(is_active=True).values_list("name", flat=True)
    chips = format_html_join(
        " ",
        '<code class="mc-chip">{{{{{}}}}}</code>',
        ((name,) for name in names[:MAX_LISTED_TEMPLATES]),
    )
    return format_html(
        '{}<span class="mc-chips">{} {} <a class="mc-link" href="{}">+ add sms template</a></span>',
        help_text,
        "Templates to refer to:" if chips else "There is no template to refer to yet.",
        chips,
        reverse("admin:sms_smstemplate_add"),
    )


class SmsActionForm(SendableForm):
    """With the owner's own Twilio credentials, which are kept on the profile for all actions at once."""

    account_sid = forms.CharField(
        label="Account SID",
        required=False,
        max_length=34,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text="AC and 32 characters, from the first page of the Twilio console.",
    )
    auth_token = TokenField(label="Auth Token")
    default_from = forms.CharField(
        label="From",
        required=False,
        max_length=SENDER_CHARACTERS,
        validators=[validate_sender],
        widget=UnfoldAdminTextInputWidget,
        help_text="A verified Twilio number to send from, such as +13125550100, or a Messaging Service.",
    )

    CREDENTIALS: ClassVar = {
        "account_sid": "twilio_account_sid",
        "auth_token": "twilio_auth_token",
        "default_from": "twilio_from",
    }

    class Meta:
        model = SmsAction
        exclude: ClassVar[list[str]] = []  # noqa: DJ006 (the page's fieldsets name the fields)

    class Media:
        js = ("builder/provider.js",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.profile = UserProfile.of(self.instance.owner)
        if "account_sid" in self.fields:
            self.initial["account_sid"] = self.profile.twilio_account_sid
            self.initial["default_from"] = self.profile.twilio_from
            self.fields["auth_token"].help_text = token_help(self.profile)
            self.fields["account_sid"].validators += UserProfile._meta.get_field(
                "twilio_account_sid"
            ).validators
        if "sender" in self.fields:
            self.fields["sender"].label = "From, for this action only"
            self.fields["sender"].help_text = "Only if this action is to send from another one than the rest."
        if "template" in self.fields:
            self.fields["template"].empty_label = "The agent writes the text"  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        changed = [name for name in self.CREDENTIALS if name in self.changed_data]
        owner = cleaned.get("owner") or self.instance.owner
        if changed and owner != self.user:
            self.add_error(
                changed[0],
                f"The action belongs to {owner}, whose credentials are not yours to enter. Leave these "
                "fields as they were, or make yourself the owner.",
            )
        return cleaned

    def save_credentials(self) -> bool:
        """Store what was entered on the user's own profile. False if nothing was."""
        changed = [name for name in self.CREDENTIALS if name in self.changed_data]
        if not changed or self.cleaned_data.get("provider") != ProviderName.TWILIO:
            return False
        profile, _ = UserProfile.objects.get_or_create(user=self.user)
        if not is_own(profile, self.user):
            return False
        for name in changed:
            setattr(profile, self.CREDENTIALS[name], self.cleaned_data[name])
        profile.save()
        if "auth_token" in changed and profile.twilio_account_sid:
            # What was held for the old token's sake goes on with the new one.
            outbox.release(profile.twilio_account_sid)
        return True
