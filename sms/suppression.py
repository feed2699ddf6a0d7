"""Numbers that stay known though they stand nowhere any more: by a hash that only the keys' owner can make.

A phone number has so few digits that a plain hash of one is found again in seconds. Each hash begins with
which key it was made with, so that a key that is missing is noticed (sms/checks.py).
"""

from __future__ import annotations

import hashlib
import hmac
from functools import lru_cache

from django.conf import settings

# No number begins with it.
MARK = "#"
# Of the hash in hexadecimal: 100 bits of it, and 24 that name the key. With the mark, 32 characters.
_KEY_CHARACTERS = 6
_HASH_CHARACTERS = 25
DIGEST_CHARACTERS = len(MARK) + _KEY_CHARACTERS + _HASH_CHARACTERS


def digest(number: str) -> str:
    """What stands in the place of a number (E.164) that was forgotten, made with the first key."""
    return _digest(_keys(tuple(settings.FORGET_KEYS))[0], number)


def known_as(number: str) -> list[str]:
    """As what a number (E.164) may stand in a column: as itself, or forgotten under any of the keys."""
    return [number, *[_digest(key, number) for key in _keys(tuple(settings.FORGET_KEYS))]]


def is_digest(recipient: str) -> bool:
    """Whether this is what is left of a forgotten number."""
    return recipient.startswith(MARK)


def prefixes() -> list[str]:
    """How the digests of the keys that there are begin."""
    return [prefix for prefix, _ in _keys(tuple(settings.FORGET_KEYS))]


def _digest(key: tuple[str, bytes], number: str) -> str:
    prefix, secret = key
    return prefix + hmac.digest(secret, number.encode(), "sha256").hex()[:_HASH_CHARACTERS]


@lru_cache(maxsize=4)
def _keys(written: tuple[str, ...]) -> list[tuple[str, bytes]]:
    secrets = [hmac.digest(key.encode(), b"midcall: forgotten numbers", "sha256") for key in written]
    return [
        (MARK + hashlib.sha256(b"which key\0" + secret).hexdigest()[:_KEY_CHARACTERS], secret)
        for secret in secrets
    ]
