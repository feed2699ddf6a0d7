"""Whether anything can be sent at all, whoever asks for it."""

from __future__ import annotations

from campaigns import switches
from campaigns.models import Campaign
from campaigns.safeguards.rule import PASSES, Request, Rule, Verdict
from sms.models import Pause, Sender

_NOT_NOW = "I can't send text messages at the moment, so nothing was sent."


class Paused(Rule):
    """For what is promised already, the claim of a text asks by itself (sms/outbox/handover.py)."""

    code = "paused"
    title = "Not paused"
    plain = "The campaign, the tool, its template, its sender, its account or everything was paused."
    say = "Our text messages are paused at the moment, so nothing was sent."

    def check(self, request: Request) -> Verdict:
        return self.refuses() if request.tool.pause else PASSES

    def here(self, campaign: Campaign) -> str:
        scopes = [switches.scope_of(each) for each in (None, campaign)]
        return "Paused" if Pause.standing().filter(scope__in=scopes).exists() else ""


class CampaignOff(Rule):
    code = "campaign_off"
    title = "Campaign switched on"
    plain = "The campaign is switched off."
    say = _NOT_NOW

    def check(self, request: Request) -> Verdict:
        return PASSES if request.campaign.is_active else self.refuses()

    def here(self, campaign: Campaign) -> str:
        return "Switched on" if campaign.is_active else "Switched off"


class CannotSend(Rule):
    code = "not_configured"
    title = "Tool set up"
    plain = "The sender, the credentials or the provider of this tool are not set up."
    say = _NOT_NOW

    def check(self, request: Request) -> Verdict:
        return self.refuses() if request.tool.obstacle else PASSES


class SenderHeld(Rule):
    """Stands in outbox.NOTHING_IN_THE_WAY, too."""

    code = "sender_held"
    title = "Sender accepted by the carrier"
    plain = "The carrier refuses the sender or its account; somebody has to mend that first."
    say = _NOT_NOW

    def check(self, request: Request) -> Verdict:
        terms = request.tool.terms
        return self.refuses() if Sender.held(terms.account_sid, terms.sender) else PASSES
