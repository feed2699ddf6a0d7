"""The forms that credentials are entered in: secrets are written and never shown, and verified before they
are stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms
from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldBooleanSwitchWidget

from sms import outbox, verification
from sms.choosing import SenderInput
from sms.models import SENDER_CHARACTERS, UserProfile
from sms.validators import tidied_sender

# Twilio's tokens have 32 characters; room for those of others that speak its API.
MAX_TOKEN_CHARACTERS = 128
# What is said where an account is emptied; the page adds where.
NO_ACCOUNT = "Without it nothing is sent with Twilio. Enter it; or, if that is meant, remove the secrets"


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


class VerifiedForm(forms.ModelForm):  # type: ignore[type-arg]
    """A form that credentials are entered in: what the provider says of them stands at the fields.

    A page asks the provider first (sms/verification.py).
    """

    # The fields of the form, by those of a profile.
    ENTRIES: ClassVar[dict[str, str]]

    @classmethod
    def entered(cls, profile: UserProfile, data: Mapping[str, Any]) -> UserProfile:
        """A profile as it would be with what was posted."""
        widget = SenderInput()
        named = {stored: str(data.get(field) or "") for stored, field in cls.ENTRIES.items() if field in data}
        sender = cls.ENTRIES["twilio_from"]
        if not widget.value_omitted_from_data(data, None, sender):
            named["twilio_from"] = str(widget.value_from_datadict(data, None, sender) or "")
        return verification.entered(profile, named)

    def _offer_known(self, profile: UserProfile, url: str) -> None:
        """Let a sender be chosen from those of a profile's account; from those of now, if a script asks."""
        field = self.fields[self.ENTRIES["twilio_from"]]
        widget = SenderInput("None yet")
        widget.attrs["maxlength"] = SENDER_CHARACTERS
        checked = verification.found()
        # A form that comes back offers what the credentials in it were found to have.
        widget.senders = checked.account.senders if checked and checked.account else profile.senders
        widget.url = url
        widget.fields = {
            stored: name
            for stored, name in self.ENTRIES.items()
            if stored in verification.CREDENTIALS and name in self.fields
        }
        field.widget = widget

    def full_clean(self) -> None:
        """Where the form comes back for another reason, say of typed secrets that they are needed again."""
        super().full_clean()
        if not self.is_bound or not self.errors:
            return
        for name, field in self.fields.items():
            is_typed = isinstance(field, TokenField) and self.data.get(self.add_prefix(name))
            if is_typed and name not in self.errors:
                self.add_error(name, "Enter it once more: a page that comes back never holds a secret.")

    def refuse_unverified(self) -> None:
        """Add what the provider finds wrong to the fields that it concerns."""
        checked = verification.found()
        if checked is None:
            return
        if checked.wrong:
            field = self.ENTRIES.get(verification.FIELDS[checked.wrong.part])
            self.add_error(field if field in self.fields else None, str(checked.wrong))
        sender = self.ENTRIES["twilio_from"]
        if checked.account and self.cleaned_data.get(sender):
            try:
                verification.refuse_foreign(self.cleaned_data[sender], checked.account.senders)
            except ValidationError as error:
                self.add_error(sender, error)


class UserProfileForm(VerifiedForm):
    auth_token = TokenField(label="Auth Token")
    remove_token = forms.BooleanField(
        label="Remove the stored token",
        required=False,
        widget=UnfoldBooleanSwitchWidget,
    )

    secondary_token = TokenField(label="Secondary Auth Token")
    remove_secondary = forms.BooleanField(
        label="Remove the secondary token",
        required=False,
        widget=UnfoldBooleanSwitchWidget,
        help_text="Once Twilio has promoted it: enter it above as the Auth Token first.",
    )

    api_secret = TokenField(label="API key secret")
    remove_key = forms.BooleanField(
        label="Remove the API key",
        required=False,
        widget=UnfoldBooleanSwitchWidget,
    )

    # Field, removal and where they are stored.
    TOKENS: ClassVar = [
        ("api_secret", "remove_key", "twilio_api_secret"),
        ("auth_token", "remove_token", "twilio_auth_token"),
        ("secondary_token", "remove_secondary", "twilio_secondary_token"),
    ]

    ENTRIES: ClassVar = {
        "twilio_account_sid": "twilio_account_sid",
        "twilio_auth_token": "auth_token",
        "twilio_secondary_token": "secondary_token",
        "twilio_api_key": "twilio_api_key",
        "twilio_api_secret": "api_secret",
        "twilio_from": "twilio_from",
    }
    REMOVALS: ClassVar = {removal: stored for _, removal, stored in TOKENS}

    class Meta:
        model = UserProfile
        exclude: ClassVar[list[str]] = []  # noqa: DJ006 (the page's fieldsets name the fields)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "twilio_account_sid" in self.fields:
            self.fields["twilio_account_sid"].help_text = account_help(self.instance)
        if "auth_token" in self.fields:
            self.fields["auth_token"].help_text = token_help(self.instance)
        if "remove_token" in self.fields:
            self.fields["remove_token"].help_text = self._without_token()
        if "remove_key" in self.fields:
            self.fields["remove_key"].help_text = self._without_key()
        if "secondary_token" in self.fields:
            stored = "One is stored. " if self.instance.twilio_secondary_token else ""
            self.fields[
                "secondary_token"
            ].help_text = (
                f"{stored}Only while you rotate the token at Twilio: receipts may be signed with either."
            )
        if "api_secret" in self.fields:
            stored = "One is stored; it is never shown. " if self.instance.twilio_api_secret else ""
            self.fields["api_secret"].help_text = f"{stored}Twilio shows it once, when the key is made."
        if "twilio_from" in self.fields:
            is_mine = self.instance.user_id is not None and self.instance.user_id == self.user.pk
            self._offer_known(self.instance, reverse("admin:sms_userprofile_senders") if is_mine else "")

    # Who asks, and what stops without credentials; the page sets them.
    user: ClassVar[Any]
    losses: ClassVar[Any] = ""

    def _without_token(self) -> SafeString:
        if self.instance.twilio_api_key:
            return self._without_one(f"Texts go on with the API key. {verification.KEY_ONLY}")
        return format_html("From then on, {}", self._nothing_is_sent())

    def _without_key(self) -> SafeString:
        if self.instance.twilio_auth_token:
            return self._without_one("From then on, texts are sent with the Auth Token.")
        return format_html("From then on, {}", self._nothing_is_sent())

    def _without_one(self, words: str) -> SafeString:
        return format_html("{} Without both, {}", words, self._nothing_is_sent())

    def _nothing_is_sent(self) -> SafeString:
        return format_html("nothing is sent with Twilio for this user. {}", self.losses)

    @classmethod
    def entered(cls, profile: UserProfile, data: Mapping[str, Any]) -> UserProfile:
        draft = super().entered(profile, data)
        for removal, stored in cls.REMOVALS.items():
            if data.get(removal):
                setattr(draft, stored, None)
        if data.get("remove_key"):
            draft.twilio_api_key = ""
        return draft

    def clean_twilio_from(self) -> str:
        return tidied_sender(self.cleaned_data["twilio_from"])

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        for token, removal, _ in self.TOKENS:
            if cleaned.get(token) and cleaned.get(removal):
                self.add_error(removal, "Either enter a new token or remove the stored one.")
        if cleaned.get("remove_key"):
            cleaned["twilio_api_key"] = ""
        has_secret = cleaned.get("api_secret") or self.instance.twilio_api_secret
        if cleaned.get("twilio_api_key") and not has_secret:
            self.add_error("api_secret", "Enter the secret that belongs to the key.")
        if cleaned.get("api_secret") and not cleaned.get("twilio_api_key") and not self.errors:
            self.add_error("twilio_api_key", "Enter the key (SK…) that the secret belongs to.")
        self._refuse_emptied(cleaned)
        if not any(cleaned.get(removal) and cleaned.get(token) for token, removal, _ in self.TOKENS):
            self.refuse_unverified()
        return cleaned

    def _refuse_emptied(self, cleaned: Mapping[str, Any]) -> None:
        """Refuse to end sending by emptying a field: only a removal says what stops."""
        kept = {
            stored
            for token, removal, stored in self.TOKENS
            if cleaned.get(token) or (getattr(self.instance, stored) and not cleaned.get(removal))
        }
        if kept and cleaned.get("twilio_account_sid") == "":
            self.add_error("twilio_account_sid", f"{NO_ACCOUNT} below, which says what stops.")
        is_alone = "twilio_api_secret" in kept and "twilio_auth_token" not in kept
        if is_alone and not cleaned.get("api_secret") and cleaned.get("twilio_api_key") == "":
            self.add_error(
                "twilio_api_key",
                "Texts are sent with this key alone. If they are to stop, switch on “Remove the API key” "
                "below, which says what stops.",
            )

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        if self.errors:
            # The page that comes back goes on saying how what is stored was found.
            return
        for token, removal, stored in self.TOKENS:
            if self.cleaned_data.get(removal):
                setattr(self.instance, stored, None)
            elif self.cleaned_data.get(token):
                setattr(self.instance, stored, self.cleaned_data[token])
        if not self.instance.twilio_api_key:
            self.instance.twilio_api_secret = None
        checked = verification.found()
        if checked:
            checked.note_on(self.instance)
        elif not self.instance.has_credentials:
            verification.forget(self.instance)

    def resume(self) -> None:
        """Let what was held for the old credentials' sake go on with the new ones."""
        entered = any(self.cleaned_data.get(name) for name in ("auth_token", "api_secret"))
        if entered and self.instance.twilio_account_sid:
            outbox.release(self.instance.twilio_account_sid)


def token_help(profile: UserProfile) -> str:
    """Whether a token is stored, and what an entry does."""
    if profile.twilio_auth_token:
        verified = verification.when(profile)
        return f"A token is stored, {verified}; it is never shown. Leave this empty to keep it."
    what = (
        "None is stored: texts are sent with the API key."
        if profile.has_credentials
        else "None is stored yet."
    )
    return f"{what} It stands beside the Account SID in the Twilio console."


def account_help(profile: UserProfile) -> str:
    """Where an Account SID stands, and what another one stops."""
    words = str(UserProfile._meta.get_field("twilio_account_sid").help_text)
    if profile.has_credentials:
        words += " With another account, texts that still wait for this one are not sent."
    return words


def is_own(profile: UserProfile, user: AbstractBaseUser | Any) -> bool:
    """Whether a profile is the user's own."""
    return bool(user.pk) and profile.user_id == user.pk
