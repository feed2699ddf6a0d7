"""The text of an SMS: placeholders, filling, characters that may be sent, segments. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

import smsutil

# Twilio refuses longer bodies (error 21617).
MAX_BODY_CHARACTERS = 1600
MAX_VALUE_CHARACTERS = 300

# A variable's name is a JSON property that a model fills, so it is plain ASCII.
_PLACEHOLDER = re.compile(r"\{\{\s*([A-Za-z][A-Za-z0-9_]{0,63})\s*\}\}")
_BRACES = re.compile(r"\{\{|\}\}")


class CannotBeSent(ValueError):
    """The text holds something no phone should get; the message says what, in plain words."""


@dataclass(frozen=True, slots=True)
class Size:
    """How carriers count a text. `encoding` is "GSM-7" (160 characters, 153 each when several) or "UCS-2"
    (70 and 67)."""

    characters: int
    encoding: str
    segments: int


def placeholders(body: str) -> list[str]:
    """The names of the variables in a template's body, in the order of their first use."""
    return list(dict.fromkeys(_PLACEHOLDER.findall(body)))


def malformed_placeholders(body: str) -> bool:
    """Whether double braces stand in the body that are no placeholder: the caller would receive them."""
    return bool(_BRACES.search(_PLACEHOLDER.sub("", body)))


def fill(body: str, values: Mapping[str, str]) -> str:
    """The body with each placeholder replaced by its value, once and literally: nothing in a value is
    interpreted. Raises KeyError for a variable without a value."""
    return _PLACEHOLDER.sub(lambda match: values[match.group(1)], body)


def refuse_unsendable(text: str) -> None:
    """Raise CannotBeSent for characters that no phone should get.

    Lone surrogates and NUL cannot be stored or sent; other control characters and bidirectional overrides
    make a text read otherwise than it is written (Unicode Technical Report 36).
    """
    for char in text:
        if char in "\n\r\t":
            continue
        category = unicodedata.category(char)
        if category == "Cs":
            raise CannotBeSent("The text holds half a character (a lone surrogate).")
        if category == "Cc":
            raise CannotBeSent("The text holds a control character.")
        if "\u202a" <= char <= "\u202e" or "\u2066" <= char <= "\u2069":
            raise CannotBeSent("The text holds a character that changes the direction of reading.")


def size(text: str) -> Size:
    """Characters, encoding and segments as carriers count them (3GPP TS 23.038)."""
    split = smsutil.split(text)
    encoding = "GSM-7" if split.encoding == "gsm0338" or not text else "UCS-2"
    return Size(characters=len(text), encoding=encoding, segments=max(1, len(split.parts)))
