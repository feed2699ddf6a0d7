"""What a text may hold."""

from __future__ import annotations

from campaigns.safeguards.rule import PASSES, Request, Rule, Verdict, not_asked
from sms import text
from sms.models import Variable


class Link(Rule):
    code = "link_not_allowed"
    title = "Links"
    plain = "The agent wrote a web address where none, or not this one, is allowed."
    say = text.NO_LINK

    def check(self, request: Request) -> Verdict:
        say = request.tool.author.on_link(request.draft)
        return self.refuses(say) if say else PASSES


class ForbiddenWord(Rule):
    code = "forbidden_word"
    title = "Forbidden words"
    plain = "The agent wrote a word that the action forbids."
    say = "I can't text it in those words. I'll put it differently."

    def check(self, request: Request) -> Verdict:
        content = request.tool.content
        if content is None:
            return not_asked("A template fixes the text.")
        return self.refuses() if content.is_forbidden(request.draft) else PASSES


class StrangeNumber(Rule):
    code = "phone_number_not_allowed"
    title = "Phone numbers"
    plain = (
        "The agent wrote a phone number that is neither the recipient's, nor the caller's, nor the sender, "
        "nor one that the action allows. An order number may look like one: a variable with a pattern of its "
        "own may hold it."
    )
    say = "I can't put another phone number into that text. I'll leave it out."

    def check(self, request: Request) -> Verdict:
        known = {request.recipient, request.caller.number, request.tool.terms.sender}
        strange = request.tool.author.strange_number(request.draft, request.campaign.country, known)
        return self.refuses() if strange else PASSES


class GivesAway(Rule):
    code = "confidential"
    title = "Cards, accounts, keys and codes"
    plain = (
        "The agent wrote the number of a card or an account, a key, or a code with which somebody proves who "
        "they are."
    )
    say = "I can't text card or account numbers, keys or security codes. I'll leave that out."

    def check(self, request: Request) -> Verdict:
        return self.refuses() if request.tool.author.gives_away(request.draft) else PASSES


class Hidden(Rule):
    code = "hidden_characters"
    title = "Nothing hidden"
    plain = "The agent wrote characters that nobody sees, and that no script or picture needs there."
    say = text.CANNOT_BE_TEXTED

    def check(self, request: Request) -> Verdict:
        return self.refuses() if any(map(text.hides, request.draft.written.values())) else PASSES


class NoCallerName(Rule):
    code = "no_caller_name"
    title = "Caller's name known"
    plain = (
        "The text needs the caller's name, which the runtime did not send, and its variable has no default."
    )
    say = "I don't have your name on this call, so I couldn't send that text."

    def check(self, request: Request) -> Verdict:
        if any(each.source == Variable.Source.CALLER_NAME for each in request.draft.lacking):
            return self.refuses()
        return PASSES


class TooLong(Rule):
    code = "too_many_segments"
    title = "Length"
    plain = "With what the agent wrote, the text takes more segments than its template or action allows."
    say = "That text came out too long, so I couldn't send it."

    def check(self, request: Request) -> Verdict:
        author, draft = request.tool.author, request.draft
        if draft.lacking:
            return not_asked("The text cannot be filled in.")
        if draft.size.segments > author.max_segments:
            return self.refuses(author.how_to_shorten(draft))
        return PASSES
