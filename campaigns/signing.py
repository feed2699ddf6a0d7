"""The form for how a vendor signs its requests: what it signs with is written and never shown."""

from __future__ import annotations

import base64
import binascii
from dataclasses import asdict
from typing import Any, ClassVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django import forms
from django.core.exceptions import ValidationError
from unfold.widgets import (
    UnfoldAdminPasswordWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from campaigns.models import Connection
from campaigns.runtimes.telnyx import PUBLIC_KEY
from campaigns.runtimes.vapi import Signing

MAX_SECRET_CHARACTERS = 500
HEADER = r"\A[A-Za-z0-9-]+\Z"


class SigningForm(forms.Form):
    """A secret that requests are signed with. Blank keeps the one that is stored."""

    intro: ClassVar[str] = ""

    secret = forms.CharField(
        label="Signing secret",
        required=False,
        max_length=MAX_SECRET_CHARACTERS,
        strip=True,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password", "spellcheck": "false"}),
    )
    keep_previous = forms.BooleanField(
        label="Accept the previous one as well",
        required=False,
        initial=True,
        widget=UnfoldBooleanSwitchWidget,
        help_text="While the other side changes to the new one, nothing is refused. Switch this off "
        "afterwards.",
    )

    def __init__(self, *args: Any, connection: Connection, **kwargs: Any) -> None:
        self.connection = connection
        super().__init__(*args, **{"initial": self.stored(), **kwargs})
        if "secret" in self.fields and connection.signing_secret:
            self.fields["secret"].help_text = "One is stored. Leave this empty to keep it."
        if "keep_previous" in self.fields and not connection.signing_secret:
            del self.fields["keep_previous"]

    def stored(self) -> dict[str, Any]:
        """What is set now, as the fields show it."""
        return {"keep_previous": True}

    def clean_secret(self) -> str:
        secret = str(self.cleaned_data["secret"])
        if not secret and not self.connection.signing_secret:
            raise ValidationError("Copy the secret that the requests are signed with.")
        return secret

    def settings(self) -> dict[str, Any]:
        """What is stored of how it signs."""
        return {}

    def save(self) -> None:
        """From now on, unsigned requests are refused."""
        found, secret = self.connection, self.cleaned_data.get("secret", "")
        found.signing = self.settings()
        keeps = self.cleaned_data.get("keep_previous", False)
        found.sign_with(secret, keeps_previous=keeps)


class RetellForm(SigningForm):
    intro = (
        "Retell signs each request with your API key: the one that has the webhook badge in Retell's "
        "dashboard (API Keys). Once it is stored here, a request without its signature is refused."
    )


class VapiForm(SigningForm):
    """With the fields of Vapi's HMAC credential, under its names."""

    intro = (
        "Vapi signs with an HMAC credential, if you choose one for the tool's server instead of a bearer "
        "token. Copy here what the credential says. Once it is stored, a request without a signature is "
        "refused."
    )

    algorithm = forms.ChoiceField(
        choices=[("sha256", "SHA-256"), ("sha512", "SHA-512"), ("sha1", "SHA-1")],
        widget=UnfoldAdminSelectWidget,
    )
    signature_header = forms.RegexField(HEADER, max_length=100, widget=UnfoldAdminTextInputWidget)
    timestamp_header = forms.RegexField(HEADER, max_length=100, widget=UnfoldAdminTextInputWidget)
    signature_prefix = forms.CharField(required=False, max_length=50, widget=UnfoldAdminTextInputWidget)
    payload_format = forms.CharField(
        max_length=200,
        widget=UnfoldAdminTextInputWidget,
        help_text="What is signed. It must have {body}; with {timestamp}, a request that is played back "
        "later is refused.",
    )
    message_id_header = forms.RegexField(HEADER, max_length=100, widget=UnfoldAdminTextInputWidget)
    signature_encoding = forms.ChoiceField(
        choices=[("hex", "Hex"), ("base64", "Base64")], widget=UnfoldAdminSelectWidget
    )
    secret_is_base64 = forms.BooleanField(
        label="The secret is Base64", required=False, widget=UnfoldBooleanSwitchWidget
    )

    def stored(self) -> dict[str, Any]:
        return {**super().stored(), **asdict(Signing.of(self.connection))}

    def clean_payload_format(self) -> str:
        written = str(self.cleaned_data["payload_format"])
        if written.count("{body}") != 1:
            raise ValidationError(
                "It must have {body} once: else the signature does not say what is asked for."
            )
        return written

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        secret = self.cleaned_data.get("secret")
        if secret and self.cleaned_data.get("secret_is_base64"):
            try:
                base64.b64decode(secret, validate=True)
            except (ValueError, binascii.Error):
                self.add_error("secret", "This is not Base64: copy it once more, or switch that off below.")
        return cleaned

    def settings(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in asdict(Signing())}


class TelnyxForm(SigningForm):
    intro = (
        "Telnyx signs each request of a webhook tool. Copy your account's public key from Telnyx' portal "
        "(Keys & Credentials, Public Key). Once it is stored here, a request without a signature is refused."
    )
    secret = None  # type: ignore[assignment]
    keep_previous = None  # type: ignore[assignment]

    public_key = forms.CharField(max_length=100, widget=UnfoldAdminTextInputWidget)

    def stored(self) -> dict[str, Any]:
        return {PUBLIC_KEY: self.connection.signing.get(PUBLIC_KEY, "")}

    def clean_public_key(self) -> str:
        written = str(self.cleaned_data["public_key"])
        try:
            Ed25519PublicKey.from_public_bytes(base64.b64decode(written, validate=True))
        except (ValueError, binascii.Error):
            raise ValidationError("This is no public key: it has 44 characters and ends in “=”.") from None
        return written

    def settings(self) -> dict[str, Any]:
        return {PUBLIC_KEY: self.cleaned_data["public_key"]}


# By the runtimes that sign.
FORMS: dict[str, type[SigningForm]] = {
    Connection.Runtime.VAPI: VapiForm,
    Connection.Runtime.RETELL: RetellForm,
    Connection.Runtime.TELNYX: TelnyxForm,
}
