"""When somebody may be texted."""

from __future__ import annotations

from campaigns.models import Campaign
from campaigns.safeguards.rule import PASSES, Request, Rule, Verdict, not_asked
from sms import numbers, quiet


class QuietHours(Rule):
    """The only rule that refuses nothing: the text is promised, and goes out in the morning."""

    code = "quiet_hours"
    title = "Quiet hours"
    plain = "It is too late or too early for a text where the recipient's phone is, so the text waits."
    say = "It's too late or too early for a text now, so it will go out in the morning."

    def check(self, request: Request) -> Verdict:
        if not request.campaign.quiet_hours:
            return not_asked(
                "The campaign has no quiet hours: texts that were just asked for go out at once."
            )
        opens = request.not_before
        if opens is None:
            return PASSES
        when = quiet.spoken(opens, request.recipient, request.at)
        whom = numbers.spoken(request.recipient)
        return self.holds(f"It's too late or too early for a text there now, so I'll text {whom} at {when}.")

    def here(self, campaign: Campaign) -> str:
        hours = campaign.quiet_hours
        return f"From {hours.begins:%H:%M} to {hours.ends:%H:%M}, where the phone is" if hours else "None"
