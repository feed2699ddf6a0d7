"""Whether the caller has agreed."""

from __future__ import annotations

from campaigns.agreeing import agrees
from campaigns.safeguards.rule import PASSES, Request, Rule, Verdict, not_asked


class NoConsent(Rule):
    code = "consent_required"
    title = "Consent"
    plain = "The agent did not say what the caller answered when asked."
    say = "I haven't sent anything yet. Is it all right if I send you a text message?"

    def check(self, request: Request) -> Verdict:
        if not request.tool.needs_consent:
            return not_asked("This tool sends without asking: it is marked as needing no consent.")
        return PASSES if agrees(request.consent) else self.refuses()
