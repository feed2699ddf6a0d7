"""What forms and models refuse in a sender and in a body, in words that say how to mend it."""

from __future__ import annotations

import re
from contextlib import suppress

from django.core.exceptions import ValidationError

from sms import numbers, text

# Tools ask for the caller's consent and for another recipient under these names.
RESERVED_VARIABLES = {"consent", "recipient_confirmed", "to"}


def tidied_sender(written: str) -> str:
    """The sender as it is stored, however a person writes it; what is no sender stays as it is."""
    if re.fullmatch(r"[Mm][Gg][0-9A-Fa-f]{32}", written):
        return f"MG{written[2:].lower()}"
    if written.startswith("+"):
        with suppress(numbers.NotANumber):
            return numbers.parse(written)
    return written


def suggested_name(written: str) -> str:
    """A name that a tool may have, made of what somebody wrote; "" if theirs will do, or nothing is left."""
    if re.fullmatch(r"[A-Za-z0-9_-]{0,64}", written):
        return ""
    return re.sub(r"[^a-z0-9-]+", "_", text.bare(written)).strip("_-")[:64].rstrip("_-")


def validate_sender(value: str) -> None:
    """A sender is a number in E.164, a short code, an alphanumeric id, or a Messaging Service SID."""
    if value.startswith("+"):
        _refuse_no_number(value)
        return
    if re.fullmatch(r"[0-9]{3,8}|MG[0-9a-f]{32}", value):
        return
    if re.fullmatch(r"(?=.*[A-Za-z])[A-Za-z0-9 +\-_&]{1,11}", value):
        return
    raise ValidationError(_why_no_sender(value), code="sender")


def _refuse_no_number(value: str) -> None:
    try:
        number = numbers.parse(value)
    except numbers.NotANumber as error:
        raise ValidationError(str(error), code="sender") from error
    if number != value:
        raise ValidationError(_why_no_sender(value), code="sender")


def _why_no_sender(value: str) -> str:
    if re.fullmatch(r"MG[0-9A-Fa-f]*", value):
        return (
            "A Messaging Service is MG and 32 of the characters 0-9 and a-f; this has "
            f"{len(value) - 2} behind the MG. Copy it once more from the Twilio console."
        )
    if re.fullmatch(r"\+?[0-9]+", value):
        return "A number is written with + and country code (+13125550100); a short code has 3 to 8 digits."
    if value.isascii() and value.replace(" ", "").isalnum():
        return f"An alphanumeric id has up to 11 letters and digits; this has {len(value)}."
    return (
        "A sender is a number with + and country code (+13125550100), a short code, up to 11 letters without "
        "accents and digits, or a Messaging Service (MG and 32 characters)."
    )


def validate_sendable(value: str) -> None:
    """A text holds no character that no phone should get."""
    try:
        text.refuse_unsendable(value)
    except text.CannotBeSent as error:
        raise ValidationError(str(error), code="unsendable") from error


def validate_fixed_text(value: str) -> None:
    """A fixed text can be sent as it stands, and holds nothing that looks like a placeholder."""
    validate_sendable(value)
    if "{{" in value or "}}" in value:
        raise ValidationError(
            "Nothing in a fixed text is filled in: the caller would receive the double braces.",
            code="placeholder",
        )


def validate_body(value: str) -> None:
    """A body can be sent as it stands, and each pair of double braces in it is a placeholder."""
    if len(value) > text.MAX_BODY_CHARACTERS:
        raise ValidationError(
            f"A text may have {text.MAX_BODY_CHARACTERS} characters at most; this has {len(value)}.",
            code="too_long",
        )
    validate_sendable(value)
    if text.malformed_placeholders(value):
        raise ValidationError(
            "A placeholder is written {{ name }}: letters, digits and _ between double braces, starting "
            "with a letter. As it stands, the caller would receive the braces.",
            code="placeholder",
        )
    for name in text.placeholders(value):
        if name in RESERVED_VARIABLES:
            raise ValidationError(
                f"{{{{ {name} }}}} cannot be a placeholder: tools ask the agent for something else under "
                "that name. Choose another.",
                code="reserved",
            )
