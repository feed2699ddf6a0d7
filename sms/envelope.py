"""How a secret stands in the database: `v1:<key id>:<Fernet token>`.

The token holds where the secret belongs, and the secret. So it opens in its own column of its own row only,
and the key that a row needs is read off it without trying all. Before there were envelopes, the bare token
was stored: those open, too, and rotate_keys puts them into one.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache

from cryptography.fernet import InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from encrypted_model_fields import fields as library

VERSION = "v1"
KEY_ID_CHARACTERS = 8
# Between the place and the secret. A secret of before cannot hold it: forms and PostgreSQL refuse it.
_END_OF_PLACE = "\0"


class WrongEncryptionKey(ImproperlyConfigured):
    """A stored secret cannot be read with any key in FIELD_ENCRYPTION_KEY."""


class MovedSecret(WrongEncryptionKey):
    """A stored secret was altered, or brought to this row from another row or column."""


def seal(plain: str, place: str) -> str:
    """What is stored of a secret at its place: encrypted with the first key."""
    token = _crypter().encrypt(f"{place}{_END_OF_PLACE}{plain}".encode())
    return f"{VERSION}:{first_key_id()}:{token.decode()}"


def unseal(sealed: str, place: str) -> str:
    """The secret. Raises WrongEncryptionKey if its key is not configured, MovedSecret if it is not its own
    place's."""
    used, token = key_id(sealed), sealed.rpartition(":")[2]
    try:
        opened = _crypter().decrypt(token.encode()).decode()
    except InvalidToken:
        # `from None`: the traceback must not carry the frames that hold key material.
        if used in key_ids():
            raise _moved(place) from None
        raise WrongEncryptionKey(
            f"The secret of {place} cannot be read: its key{f' {used}' if used else ''} is not in "
            "FIELD_ENCRYPTION_KEY. Put that key back, behind the first one, or enter the secret again."
        ) from None
    if not used:
        # The inside of an envelope without its outside was cut out of one.
        if _END_OF_PLACE in opened:
            raise _moved(place)
        return opened
    belongs, _, plain = opened.partition(_END_OF_PLACE)
    if belongs != place:
        raise _moved(place)
    return plain


def key_id(sealed: str) -> str:
    """Which key a stored secret needs; "" for one of before envelopes, which does not say."""
    version, _, rest = sealed.partition(":")
    return rest.partition(":")[0] if version == VERSION else ""


def first_key_id() -> str:
    """The key that encrypts."""
    return key_ids()[0]


def key_ids() -> list[str]:
    """The configured keys by their ids, in their order."""
    return [id_of(key) for key in settings.FIELD_ENCRYPTION_KEY]


@cache
def id_of(key: str) -> str:
    """A key's id, of no use for finding the key."""
    # Two spellings of the same key are one key, so not of the spelling.
    return hashlib.sha256(b"midcall key id " + base64.urlsafe_b64decode(key)).hexdigest()[:KEY_ID_CHARACTERS]


def _moved(place: str) -> MovedSecret:
    return MovedSecret(
        f"The secret of {place} was altered in the database or comes from another row or column. "
        "Enter it again, and find out who writes to the database."
    )


def _crypter() -> MultiFernet:
    return _crypter_of(tuple(settings.FIELD_ENCRYPTION_KEY))


@cache
def _crypter_of(keys: tuple[str, ...]) -> MultiFernet:
    # Not the library's own CRYPTER, which has the keys of the moment in which it was imported.
    crypter: MultiFernet = library.get_crypter()
    return crypter
