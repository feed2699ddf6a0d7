"""How often somebody may text."""

from __future__ import annotations

from django.conf import settings

from campaigns.safeguards.rule import PASSES, Refused, Request, Rule, Verdict, not_asked
from sms.models import AtlasDay


class AtlasUsedUp(Rule):
    code = "daily_cap"
    title = "Texts through Atlas a day"
    plain = "The tool's owner has sent as many texts through Atlas today as the operator allows."
    say = "I can't send any more text messages today, so nothing was sent."

    def check(self, request: Request) -> Verdict:
        if not request.tool.is_capped:
            return not_asked("This tool is not sent through Atlas, or the operator sets no limit.")
        owner = request.tool.source.owner_id
        used = AtlasDay.used_today([owner]).get(owner, 0)
        return PASSES if used < settings.ATLAS_MAX_PER_DAY else self.refuses()

    def take(self, request: Request) -> None:
        """Count one more text; raise Refused, with nothing counted, if the owner's are used up."""
        if request.tool.is_capped and not AtlasDay.take(request.tool.source.owner_id):
            raise Refused(self)
