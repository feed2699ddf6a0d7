"""What a safeguard is, and what it is asked about."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from functools import lru_cache
from typing import ClassVar, NamedTuple

from django.utils import timezone

from campaigns import counting
from campaigns.counting import Lane, Use
from campaigns.drafts import Caller, Draft
from campaigns.models import Call, Campaign
from campaigns.tools import CONFIRMED, CONSENT, RECIPIENT, Tool
from sms import numbers


class Outcome(Enum):
    """What a rule says of a request."""

    PASSES = "passes"
    REFUSES = "refuses"
    # The text is promised, and waits.
    HOLDS = "holds"
    NOT_ASKED = "not asked"


class Verdict(NamedTuple):
    """What a rule says of a request. `say` is the agent's sentence where it refuses or holds, `why` says in
    plain words what it was not asked for."""

    outcome: Outcome
    say: str = ""
    why: str = ""


PASSES = Verdict(Outcome.PASSES)


# Said of most requests by some rule, in the same few sentences.
@lru_cache(maxsize=128)
def not_asked(why: str) -> Verdict:
    """There is nothing in the request that the rule could look at; `why` is a plain sentence."""
    return Verdict(Outcome.NOT_ASKED, why=why)


class Request:
    """What a tool call asks for. `values` are the agent's, as campaigns.parameters.checked() has them;
    `language` is the call's; `call` is None for one that is not noted yet. A rule reads what it needs; of
    what is here, only `uses` asks the database, once."""

    __slots__ = (
        "_draft",
        "_recipient",
        "_uses",
        "at",
        "call",
        "caller",
        "campaign",
        "language",
        "tool",
        "values",
    )

    def __init__(
        self,
        campaign: Campaign,
        tool: Tool,
        caller: Caller,
        values: Mapping[str, str],
        language: str,
        call: Call | None = None,
    ) -> None:
        self.campaign = campaign
        self.tool = tool
        self.caller = caller
        self.values = values
        self.language = language
        self.at = timezone.now()
        self.call = call
        self._recipient: str | None = None
        self._draft: Draft | None = None
        self._uses: dict[str, Use] | None = None

    @property
    def consent(self) -> str:
        """What the caller said when asked, as the agent has it; "" if it said nothing of that."""
        return self.values.get(CONSENT, "")

    @property
    def asked_number(self) -> str:
        """Whom the agent wants to text, as it wrote it; "" where that is not its choice."""
        return self.values.get(RECIPIENT, "")

    @property
    def confirmed_digits(self) -> str:
        """The number's last digits that the caller confirmed, as the agent has it; "" if it says nothing."""
        return self.values.get(CONFIRMED, "")

    @property
    def recipient(self) -> str:
        """The number to text, in E.164; "" if there is none."""
        if self._recipient is None:
            self._recipient = self._read_recipient()
        return self._recipient

    def _read_recipient(self) -> str:
        if not self.tool.texts_anyone:
            return self.caller.number
        try:
            return numbers.dictated(self.asked_number, self.campaign.country)
        except numbers.NotANumber:
            return ""

    @property
    def not_before(self) -> datetime | None:
        """When quiet hours are over where the recipient's phone is; None if it is not quiet there."""
        hours = self.campaign.quiet_hours
        opens = hours.opens(self.recipient, self.at) if hours and self.recipient else self.at
        return opens if opens > self.at else None

    @property
    def draft(self) -> Draft:
        """The text as it would be sent."""
        if self._draft is None:
            self._draft = self.tool.author.draft(self.values, self.language, self.caller)
        return self._draft

    @property
    def lane(self) -> Lane:
        """By what the text is counted."""
        terms = self.tool.terms
        return Lane(
            self.campaign.pk,
            self.tool.name,
            terms.account_sid,
            terms.sender,
            numbers.country(self.recipient),
        )

    @property
    def uses(self) -> dict[str, Use]:
        """What has been used of the limits that count it."""
        if self._uses is None:
            self._uses = counting.shared(self.lane)
        return self._uses


class Rule(ABC):
    """One reason not to text. `code` is for programs and never changes; `title` names the rule, and `plain`
    says why nothing was sent, both for people; `say` is for the agent to speak."""

    code: ClassVar[str]
    title: ClassVar[str]
    plain: ClassVar[str]
    say: ClassVar[str]

    @abstractmethod
    def check(self, request: Request) -> Verdict:
        """What it says of a request. Writes nothing."""

    def here(self, campaign: Campaign) -> str:
        """What of a campaign's own the rule goes by, in a few plain words; "" if nothing."""
        return ""

    def refuses(self, say: str = "") -> Verdict:
        """That it forbids the text, with the rule's own sentence or one that fits better."""
        return Verdict(Outcome.REFUSES, say=say or self.say)

    def holds(self, say: str) -> Verdict:
        """That the text is promised and waits."""
        return Verdict(Outcome.HOLDS, say=say)


class Refused(Exception):
    """A rule forbids the text; `say` is what the agent is told."""

    def __init__(self, rule: Rule, say: str = "") -> None:
        super().__init__(rule.plain)
        self.rule = rule
        self.say = say or rule.say
