"""What the carrier can be told to do wrong, and the rules that say when it does.

A rule has one fault; a fault spoils one aspect of a text's way, and each aspect is matched by
itself, so that a text can be answered late *and* lose its callbacks.
"""

import itertools
import random
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from . import codes

ACCOUNT_SID = re.compile(r"AC[0-9a-fA-F]{32}", re.ASCII)
PHONE_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)

DAY_SECONDS = 86_400
MAX_TIMES = 1_000_000
MAX_COPIES = 100
MAX_RULES = 500


class BadRule(ValueError):
    """A rule that cannot be kept; the words say which part is wrong and what it may be."""


class Aspect(StrEnum):
    """The part of a text's way that a fault spoils."""

    ANSWER = "answer"
    OUTCOME = "outcome"
    RECEIPT = "receipt"
    VISIBILITY = "visibility"
    LISTING = "listing"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A value that a fault takes: in a range, or one of `choices`. No default: required.

    `known` are values that mean something to people, with what they mean.
    """

    words: str
    default: float | str | None = None
    least: float = 0
    most: float = DAY_SECONDS
    whole: bool = False
    choices: tuple[int | str, ...] = ()
    known: Mapping[int, str] = field(default_factory=dict)

    def check(self, name: str, value: object) -> float | str:
        """`value` as the fault uses it; raises BadRule when it is none of those allowed."""
        if self.choices:
            if isinstance(value, bool) or value not in self.choices:
                raise BadRule(f"{name} must be one of {', '.join(map(str, self.choices))}")
            return self.choices[self.choices.index(value)]
        if isinstance(value, bool) or not isinstance(value, int if self.whole else (int, float)):
            raise BadRule(f"{name} must be a {'whole ' if self.whole else ''}number")
        if not self.least <= value <= self.most:
            raise BadRule(f"{name} must be from {self.least:g} to {self.most:g}")
        return value


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to misbehave, in the words that the phone page shows."""

    aspect: Aspect
    words: str
    parameters: Mapping[str, Parameter] = field(default_factory=dict)


def _seconds(default: float, words: str) -> dict[str, Parameter]:
    return {"seconds": Parameter(words, default)}


_COPIES = "copies of each"
_CODE = Parameter("Twilio error code", least=10_000, most=99_999, whole=True, known=codes.MESSAGES)

FAULTS: dict[str, Fault] = {
    "accept_then_reset": Fault(Aspect.ANSWER, "Takes the text, then resets the connection"),
    "accept_then_500": Fault(Aspect.ANSWER, "Takes the text, then answers 500"),
    "accept_then_502": Fault(Aspect.ANSWER, "Takes the text, then answers 502"),
    "accept_then_503": Fault(Aspect.ANSWER, "Takes the text, then answers 503"),
    "accept_then_504": Fault(Aspect.ANSWER, "Takes the text, then answers 504"),
    "accept_late": Fault(
        Aspect.ANSWER, "Takes the text late, whoever still waits", _seconds(20, "seconds later")
    ),
    "answer_slow": Fault(
        Aspect.ANSWER, "Takes the text at once, answers late", _seconds(5, "seconds to answer")
    ),
    "answer_dripped": Fault(
        Aspect.ANSWER, "Takes the text, answers byte by byte", _seconds(30, "seconds in all")
    ),
    "truncated_answer": Fault(Aspect.ANSWER, "Takes the text, breaks off its answer"),
    "not_json": Fault(Aspect.ANSWER, "Takes the text, answers a web page"),
    "no_sid": Fault(Aspect.ANSWER, "Takes the text, answers without its SID"),
    "another_to": Fault(Aspect.ANSWER, "Takes the text, answers with another number"),
    "never_accept_reset": Fault(Aspect.ANSWER, "Resets the connection, takes nothing"),
    "never_accept_500": Fault(Aspect.ANSWER, "Answers 500, takes nothing"),
    "hang": Fault(Aspect.ANSWER, "Never answers, takes nothing", _seconds(300, "seconds held")),
    "rate_limited": Fault(
        Aspect.ANSWER,
        "Answers 429: too many requests",
        {
            **_seconds(1, "seconds in Retry-After"),
            "written": Parameter("Retry-After written as", "seconds", choices=("seconds", "date")),
        },
    ),
    "error": Fault(Aspect.ANSWER, "Refuses the text with a Twilio code", {"code": _CODE}),
    "fails_later": Fault(
        Aspect.OUTCOME,
        "Takes the text, fails to deliver it",
        {
            "code": replace(_CODE, default=30003),
            "status": Parameter("final status", "undelivered", choices=("undelivered", "failed")),
        },
    ),
    "callbacks_dropped": Fault(Aspect.RECEIPT, "Sends no status callbacks"),
    "callbacks_repeated": Fault(
        Aspect.RECEIPT,
        "Repeats each status callback",
        {"count": Parameter(_COPIES, 5, 2, MAX_COPIES, whole=True)},
    ),
    "callbacks_shuffled": Fault(
        Aspect.RECEIPT,
        "Sends the last status callback first",
        {"count": Parameter(_COPIES, 1, 1, MAX_COPIES, whole=True)},
    ),
    "callbacks_delayed": Fault(Aspect.RECEIPT, "Sends status callbacks late", _seconds(10, "seconds later")),
    "callbacks_unsigned": Fault(Aspect.RECEIPT, "Sends status callbacks without a signature"),
    "callbacks_wrong_signature": Fault(Aspect.RECEIPT, "Sends status callbacks with a wrong signature"),
    "list_lag": Fault(Aspect.VISIBILITY, "Lists the text late", _seconds(30, "seconds until it is listed")),
    "list_error": Fault(
        Aspect.LISTING,
        "Refuses to list texts",
        {"status": Parameter("HTTP status", 500, choices=(500, 429))},
    ),
}


@dataclass(slots=True)
class Rule:
    """Do `fault` to what matches, with `probability`, `times` times (None: until removed)."""

    id: int
    fault: str
    parameters: Mapping[str, float | str]
    to: str | None = None
    account: str | None = None
    times: int | None = None
    probability: float = 1.0
    used: int = 0

    def seconds(self) -> float:
        return float(self.parameters["seconds"])

    def whole(self, name: str) -> int:
        return int(self.parameters[name])

    def matches(self, aspect: Aspect, account: str, to: str | None) -> bool:
        return (
            FAULTS[self.fault].aspect is aspect and self.account in (None, account) and self.to in (None, to)
        )

    def view(self) -> dict[str, object]:
        """The rule as the control API shows it: the fields it was put with, and `id` and `used`."""
        return {
            "id": self.id,
            "fault": self.fault,
            "to": self.to,
            "account": self.account,
            "times": self.times,
            "probability": self.probability,
            "used": self.used,
            **self.parameters,
        }


class Misbehaviour:
    """The rules in force, in the order in which they came; the first that matches wins."""

    def __init__(self) -> None:
        self.rules: list[Rule] = []
        self.on_change: list[Callable[[], None]] = []
        self._ids = itertools.count(1)

    def add(self, wanted: object) -> Rule:
        """Puts a rule in force; raises BadRule, in words for its author, when it makes no sense."""
        if len(self.rules) >= MAX_RULES:
            raise BadRule(f"there are {MAX_RULES} rules already; remove some")
        rule = _parse(wanted, next(self._ids))
        self.rules.append(rule)
        self._changed()
        return rule

    def remove(self, rule_id: int) -> bool:
        """Takes one rule out of force; False when there is none with that id."""
        kept = [rule for rule in self.rules if rule.id != rule_id]
        found = len(kept) < len(self.rules)
        self.rules = kept
        self._changed()
        return found

    def clear(self) -> None:
        self.rules = []
        self._changed()

    def pick(self, aspect: Aspect, account: str, to: str | None) -> Rule | None:
        """The rule to follow now, counted as used; None to behave.

        A rule that its probability spares is passed over, and the next that matches may win: two
        rules of 10 % each spoil a fifth of the texts between them.
        """
        for rule in self.rules:
            if rule.matches(aspect, account, to) and random.random() < rule.probability:
                rule.used += 1
                if rule.used == rule.times:
                    self.rules = [other for other in self.rules if other is not rule]
                self._changed()
                return rule
        return None

    def _changed(self) -> None:
        for listener in self.on_change:
            listener()


def _parse(wanted: object, rule_id: int) -> Rule:
    if not isinstance(wanted, dict):
        raise BadRule("a rule is a JSON object")
    fields = dict(wanted)
    name = fields.pop("fault", None)
    fault = FAULTS.get(name) if isinstance(name, str) else None
    if fault is None:
        raise BadRule(f"fault must be one of {', '.join(FAULTS)}")
    to, account = fields.pop("to", None), fields.pop("account", None)
    times, probability = fields.pop("times", None), fields.pop("probability", 1)
    if to is not None and not (isinstance(to, str) and PHONE_NUMBER.fullmatch(to)):
        raise BadRule("to must be a phone number such as +14155550123, or null for all")
    if account is not None and not (isinstance(account, str) and ACCOUNT_SID.fullmatch(account)):
        raise BadRule("account must be AC and 32 hexadecimal digits, or null for all")
    if times is not None:
        times = Parameter("", None, 1, MAX_TIMES, whole=True).check("times", times)
    probability = Parameter("", None, 0, 1).check("probability", probability)
    parameters = {}
    for key, parameter in fault.parameters.items():
        value = fields.pop(key, parameter.default)
        if value is None:
            raise BadRule(f"{name} needs {key}: {parameter.words}")
        parameters[key] = parameter.check(key, value)
    if fields:
        raise BadRule(f"{name} does not take {', '.join(map(repr, sorted(fields)))}")
    return Rule(
        id=rule_id,
        fault=str(name),
        parameters=parameters,
        to=to,
        account=account,
        times=None if times is None else int(times),
        probability=float(probability),
    )
