"""A model field for secrets: encrypted at rest, and never shown by accident."""

from __future__ import annotations

from typing import Any

from cryptography.fernet import InvalidToken
from django.core.exceptions import ImproperlyConfigured
from django.db.backends.base.base import BaseDatabaseWrapper
from encrypted_model_fields.fields import EncryptedTextField, decrypt_str, encrypt_str


class WrongEncryptionKey(ImproperlyConfigured):
    """A stored secret cannot be read with any key in FIELD_ENCRYPTION_KEY."""


class Secret:
    """A stored secret. It prints as dots; only reveal() gives the plain text."""

    __slots__ = ("ciphertext",)

    def __init__(self, ciphertext: str) -> None:
        self.ciphertext = ciphertext

    def reveal(self) -> str:
        """The plain text. Raises WrongEncryptionKey if no configured key decrypts it."""
        try:
            return str(decrypt_str(self.ciphertext))
        except InvalidToken:
            # `from None`: the traceback must not carry the frames that hold key material.
            raise WrongEncryptionKey(
                "A stored secret cannot be decrypted: put the key that it was encrypted with back into "
                "FIELD_ENCRYPTION_KEY (old keys go behind the new one), or enter the secret again."
            ) from None

    def __str__(self) -> str:
        return "••••••••"

    def __repr__(self) -> str:
        return "<Secret>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other.ciphertext == self.ciphertext

    def __hash__(self) -> int:
        return hash(self.ciphertext)


class SecretField(EncryptedTextField):  # type: ignore[misc]
    """Text that is encrypted on its way to the database; instances hold a Secret, assignments take str.

    django-encrypted-model-fields returns the ciphertext as the value when the key is wrong, and encrypts it
    again on save; decrypts ciphertext that someone typed in; and puts plain text into dumps. Here a wrong key
    raises on use and never changes the row, typed text is always plain text, and dumps carry nothing.
    """

    def from_db_value(self, value: str | None, *args: object) -> Secret | None:
        return Secret(value) if value else None

    def to_python(self, value: Any) -> Any:
        return value

    def get_prep_value(self, value: Any) -> Any:
        return value

    def get_db_prep_save(self, value: Any, connection: BaseDatabaseWrapper) -> str | None:
        if isinstance(value, Secret):
            return value.ciphertext
        return encrypt_str(str(value)).decode() if value else None

    def value_to_string(self, obj: Any) -> str:
        return ""

    def formfield(self, **kwargs: Any) -> None:
        # Forms declare a write-only field of their own; a generated one would render the value.
        return None
