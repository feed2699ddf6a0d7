"""The forms for topics and SMS actions."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, ClassVar

from django import forms
from django.urls import reverse
from unfold.widgets import UnfoldAdminTextInputWidget

from builder.content import ContentForm
from builder.detour import Draft
from builder.linted import LintedForm
from builder.models import MAX_QUESTIONS, NO_CONSENT_OF_OTHERS, SmsAction, Topic
from builder.widgets import ActionsInput, Lines, Referable
from sms import outbox, verification
from sms.credentials import NO_ACCOUNT, TokenField, VerifiedForm, account_help, is_own, token_help
from sms.models import SENDER_CHARACTERS, ProviderName, SmsTemplate, UserProfile
from sms.pages import may_see
from sms.roles import WAIVE_CONSENT
from sms.validators import tidied_sender, validate_sender


class TopicForm(LintedForm):
    """A topic; unsaved text of it (see builder/detour.py) comes before what is stored."""

    # The draft to show; the page sets it.
    draft: ClassVar[Draft | None] = None

    questions = Lines(
        noun="question",
        max_lines=MAX_QUESTIONS,
        max_length=300,
        label="Sample questions",
        required=False,
        help_text="How callers ask about it, in their words. Three or more help the agent find the topic.",
    )

    class Meta:
        model = Topic
        exclude: ClassVar[list[str]] = ["owner"]  # noqa: DJ006 (the page's fieldsets name the fields)
        widgets: ClassVar = {"actions": ActionsInput}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "content" in self.fields:
            self.fields["content"].widget.attrs["rows"] = 6
        if self.draft and not self.is_bound:
            for name, field in self.fields.items():
                self.initial[name] = field.widget.value_from_datadict(
                    self.draft.data, {}, self.add_prefix(name)
                )
        if "actions" in self.fields:
            self._offer_templates(self.fields["actions"].widget)

    def _offer_templates(self, widget: Any) -> None:
        # A browser would cut off what is pasted beyond it, without a word.
        widget.attrs.pop("maxlength", None)
        widget.templates = _referable(self.user, self.instance.kept)
        widget.may_add = self.user.has_perm("sms.add_smstemplate")
        if self.draft and not self.is_bound:
            widget.caret = self.draft.caret


def _referable(user: Any, kept: Collection[str]) -> list[Referable]:
    """What a user may refer to: what they may put to use, and what is there already."""
    is_seen = may_see(user, SmsTemplate)
    templates = SmsTemplate.usable_by(user) | SmsTemplate.objects.filter(name__in=kept)
    return [
        {
            "name": template.name,
            "body": template.body if is_seen else None,
            "is_active": template.is_active,
            "url": reverse("admin:sms_smstemplate_change", args=[template.pk]) if is_seen else None,
        }
        for template in templates.only("name", "body", "is_active")
    ]


class SmsActionForm(ContentForm, VerifiedForm):
    """With the owner's own Twilio credentials, which are kept on the profile for all actions at once."""

    account_sid = forms.CharField(
        label="Account SID",
        required=False,
        max_length=34,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    auth_token = TokenField(label="Auth Token")
    default_from = forms.CharField(
        label="From",
        required=False,
        max_length=SENDER_CHARACTERS,
        help_text="A verified Twilio number to send from, such as +13125550100, or a Messaging Service.",
    )

    ENTRIES: ClassVar = {
        "twilio_account_sid": "account_sid",
        "twilio_auth_token": "auth_token",
        "twilio_from": "default_from",
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.profile = UserProfile.of(self.instance.owner)
        if self.instance.pk and not is_own(self.profile, self.user):
            # The page does not show them, and left empty they would count as changed.
            for name in self.ENTRIES.values():
                del self.fields[name]
        if "account_sid" in self.fields:
            self.initial["account_sid"] = self.profile.twilio_account_sid
            self.initial["default_from"] = self.profile.twilio_from
            self.fields["account_sid"].help_text = account_help(self.profile)
            self.fields["auth_token"].help_text = token_help(self.profile)
            self._offer_known(self.profile, reverse("admin:sms_userprofile_senders"))
            self.fields["account_sid"].validators += UserProfile._meta.get_field(
                "twilio_account_sid"
            ).validators
        if "sender" in self.fields:
            self.fields["sender"].label = "From, for this action only"
            self.fields["sender"].help_text = "Only if this action is to send from another one than the rest."

    def clean_default_from(self) -> str:
        sender = tidied_sender(self.cleaned_data["default_from"])
        if sender:
            validate_sender(sender)
        return sender

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        changed = self._credentials_changed()
        owner = cleaned.get("owner") or self.instance.owner
        template = cleaned.get("template")
        is_new = {"template", "owner"} & set(self.changed_data)
        if template and is_new and (refusal := template.refusal(self.user, owner)):
            self.add_error("template", refusal)
        texts_others = cleaned.get("recipient") == SmsAction.Recipient.ANYONE
        if texts_others and "recipient" in self.changed_data and cleaned.get("transactional"):
            self._refuse_without_consent()
        if changed and owner != self.user:
            self.add_error(
                changed[0],
                f"The action belongs to {owner}, whose credentials are not yours to enter. Leave these "
                "fields as they were, or make yourself the owner.",
            )
        elif changed:
            if "account_sid" in cleaned and not cleaned["account_sid"] and self._has_secret(cleaned):
                self.add_error("account_sid", f"{NO_ACCOUNT} under Account > My profile.")
            self.refuse_unverified()
        return cleaned

    def _has_secret(self, cleaned: Mapping[str, Any]) -> bool:
        """Whether there is a secret that belongs to an account, stored or entered."""
        stored = any(getattr(self.profile, name) for name in verification.SECRETS)
        return stored or bool(cleaned.get("auth_token"))

    def _refuse_without_consent(self) -> None:
        """Refuse to text others without asking them, unless an administrator decides so."""
        if not self.user.has_perm(WAIVE_CONSENT):
            self.add_error(
                "recipient", f"{NO_CONSENT_OF_OTHERS} Take the tick off “no consent needed” first."
            )

    def senders_of(self, owner: Any) -> Mapping[str, str] | None:
        checked = verification.found()
        if checked and checked.is_new and owner == self.user:
            return checked.account.senders if checked.account else None
        return super().senders_of(owner)

    def _credentials_changed(self) -> list[str]:
        """What was entered of the credentials; what a request leaves out stays as it is."""
        return [name for name in self.ENTRIES.values() if name in self.changed_data and self._is_posted(name)]

    def _is_posted(self, name: str) -> bool:
        widget = self.fields[name].widget
        return not widget.value_omitted_from_data(self.data, self.files, self.add_prefix(name))

    def save_credentials(self) -> bool:
        """Store what was entered on the user's own profile. False if nothing was."""
        changed = self._credentials_changed()
        if not changed or self.cleaned_data.get("provider") != ProviderName.TWILIO:
            return False
        profile, _ = UserProfile.objects.get_or_create(user=self.user)
        if not is_own(profile, self.user):
            return False
        entered = {
            stored: self.cleaned_data[name] for stored, name in self.ENTRIES.items() if name in changed
        }
        for stored, value in entered.items():
            setattr(profile, stored, value)
        checked = verification.found()
        if checked:
            checked.note_on(profile)
        elif entered.keys() & set(verification.CREDENTIALS):
            # Nobody was asked about them, so nothing is known of them.
            verification.forget(profile)
        # The rest of it stays as somebody may be storing it meanwhile on the profile's own page.
        profile.save(update_fields=[*entered, *verification.NOTED, "updated_at"])
        if "auth_token" in changed and profile.twilio_account_sid:
            # What was held for the old token's sake goes on with the new one.
            outbox.release(profile.twilio_account_sid)
        return True
