"""Rules on the templates referred to: whether callers can get them, and what fills them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

import phonenumbers
from phonenumbers import shortnumberinfo

from builder.lint.facts import Spot, Template, Variable
from builder.lint.reading import Reading
from builder.prompt import Reference
from sms import numbers

# Where carriers take no text from a name in place of a number, or put one of their own numbers there (Twilio,
# International support for Alphanumeric Sender ID; https://help.twilio.com/articles/223133767).
NO_NAMES = {
    "AR": "Argentina",
    "BE": "Belgium",
    "BR": "Brazil",
    "CA": "Canada",
    "CL": "Chile",
    "CN": "China",
    "CO": "Colombia",
    "CR": "Costa Rica",
    "DO": "the Dominican Republic",
    "EC": "Ecuador",
    "GU": "Guam",
    "HU": "Hungary",
    "KR": "South Korea",
    "MX": "Mexico",
    "MY": "Malaysia",
    "NZ": "New Zealand",
    "PA": "Panama",
    "PR": "Puerto Rico",
    "TW": "Taiwan",
    "US": "the United States",
    "UY": "Uruguay",
    "VI": "the US Virgin Islands",
    "ZA": "South Africa",
}
# Whose numbers carriers of the United States take texts from (https://www.twilio.com/guidelines/us/sms).
TAKEN_IN_THE_US = {"US", "CA", "PR", "GU", "VI", "AS", "MP"}
# The caller's name comes with a call only where the runtime knows it.
CALLER_NAME, AGENT = "caller_name", "agent"
# A shorter word says too little to be looked for.
LEAST_CHARACTERS = 3


def cannot_send(reading: Reading) -> Iterator[Spot]:
    """A template whose owner or provider cannot send."""
    for each, template in _once(reading):
        if template.obstacle:
            yield Spot(
                each.start,
                each.end,
                f"“{template.name}” cannot be sent: {template.obstacle}",
                template=template.name,
            )


def not_shared(reading: Reading) -> Iterator[Spot]:
    """A template that some campaign of the topic does not send, because it is somebody else's."""
    for each, template in _once(reading):
        if template.open_to is None:
            continue
        others = [reach.campaign for reach in reading.text.reaches if reach.owner != template.open_to]
        if others:
            noun = "campaign" if len(others) == 1 else "campaigns"
            named = ", ".join(f"“{campaign}”" for campaign in others)
            yield Spot(
                each.start,
                each.end,
                f"“{template.name}” is not sent in the {noun} {named}: {template.owner}, whose it is, does "
                "not share it with others. Switch on “Others may use it” on the template, or take it out "
                "here.",
                template=template.name,
            )


def wrong_sender(reading: Reading) -> Iterator[Spot]:
    """A sender that callers of a campaign cannot get texts from."""
    for each, template in _once(reading):
        reason = "" if template.obstacle else _unfit(reading, template.sender)
        if reason:
            yield Spot(each.start, each.end, f"“{template.name}”: {reason}", template=template.name)


def unfilled_variable(reading: Reading) -> Iterator[Spot]:
    """A placeholder for which there may be nothing to write."""
    said = f"{reading.text.actions}\n{reading.text.content}".lower()
    for each, template in _once(reading):
        for variable in template.variables:
            reason = _unfilled(variable, said)
            if reason:
                yield Spot(
                    each.start,
                    each.end,
                    f"{{{{ {variable.name} }}}} in “{template.name}”: {reason}",
                    template=template.name,
                )


def _once(reading: Reading) -> Iterator[tuple[Reference, Template]]:
    """Each template that may be sent, where it is first referred to."""
    seen: set[str] = set()
    for each, template in reading.sendable():
        if template.name not in seen:
            seen.add(template.name)
            yield each, template


def _unfilled(variable: Variable, said: str) -> str:
    if variable.may_be_missing:
        return ""
    if variable.source == CALLER_NAME:
        return "not every call brings the caller's name, and without it nothing is sent. Give it a default."
    if variable.source != AGENT or variable.description:
        return ""
    words = [word for word in variable.name.lower().split("_") if len(word) >= LEAST_CHARACTERS]
    if any(word.removesuffix("s") in said for word in words):
        return ""
    return (
        "nobody tells the agent what to write there. Describe it on the template, or say here where it comes "
        "from."
    )


def _unfit(reading: Reading, sender: str) -> str:
    countries: dict[str, str] = {}
    for reach in reading.text.reaches:
        countries.setdefault(reach.country, reach.campaign)
    if re.fullmatch(r"[0-9]{3,8}", sender):
        return _unfit_short_code(sender, countries)
    if sender.startswith("+"):
        return _unfit_number(sender, countries)
    if not sender or re.fullmatch(r"MG[0-9a-f]{32}", sender):
        # A Messaging Service chooses among its own senders.
        return ""
    for country, campaign in countries.items():
        if country in NO_NAMES:
            return (
                f"carriers in {NO_NAMES[country]}, where the callers of “{campaign}” are, take no text from "
                f"a name such as {sender}. Send from a number there."
            )
    return ""


def _unfit_short_code(sender: str, countries: dict[str, str]) -> str:
    for country, campaign in countries.items():
        if not _is_short_code(sender, country):
            return (
                f"{sender} is no short code of {country}, where the callers of “{campaign}” are, and a short "
                "code works in its own country only."
            )
    if len(countries) > 1:
        return (
            f"a short code works in its own country only, and {sender} would have to reach callers in "
            f"{' and '.join(sorted(countries))}. Send from a number or a Messaging Service."
        )
    return ""


def _unfit_number(sender: str, countries: dict[str, str]) -> str:
    campaign = countries.get("US")
    if campaign is None:
        return ""
    country = numbers.country(sender)
    if not country or country in TAKEN_IN_THE_US:
        return ""
    return (
        f"carriers in the United States, where the callers of “{campaign}” are, take no text from a number "
        f"of {country}. Send from a number of the United States or Canada."
    )


@lru_cache(maxsize=1000)
def _is_short_code(sender: str, country: str) -> bool:
    try:
        number = phonenumbers.parse(sender, country)
    except phonenumbers.NumberParseException:
        return True
    return bool(shortnumberinfo.is_possible_short_number_for_region(number, country))
