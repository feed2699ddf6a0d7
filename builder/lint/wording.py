"""Rules on what the prompt says: whether it asks, when it sends, one thing at a time. Pure.

They read English; what seems to be in another language is left alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from builder import prompt
from builder.lint import near
from builder.lint.consent import Consent, asked_for
from builder.lint.facts import Mend, Spot
from builder.lint.reading import Line, Reading, Sentence, lines

ASK_FIRST = (
    "Before you send a text message, ask the caller whether they would like to receive it. Send it only if "
    "they agree; if they decline, continue the conversation."
)
IN_ANOTHER_TURN = ". In a later turn, offer that one, too, and if they agree, call "
MOST_NAMED = 3
# Characters in front of a reference that may say how it goes with the next.
LOOKED_BACK = 200

_WHEN = re.compile(
    r"\b(?:if|when|whenever|once(?! (?:per|a|in) (?:call|day|caller)\b)(?= \w)|after|as soon as|unless|until"
    r"|upon|before|in case|while|during|at the (?:end|start|beginning)|(?:every|each) time"
    r"|on (?:request|demand|their)"
    r"|should (?:the|they|he|she|an?|somebody|someone)|for (?:callers|anyone|anybody|those|people|everyone)"
    r"|depending|callers who|anyone who|otherwise|in response)\b",
    re.IGNORECASE,
)
# "Parking: {{parking}}", "wants the menu → {{menu}}": what stands in front says when.
_LABELLED = re.compile(r"\w[^:→=>]{0,80}(?::|→|->|=>)\s")
_ORDER = re.compile(r"(?:please )?(call|send|use|text|trigger|fire|run|invoke|offer|share)\b", re.IGNORECASE)
_ONE_OF = re.compile(
    r"\b(?:or|either|otherwise|else|instead|respectively|whichever|depending|one of|not|never|unless|except"
    r"|later|next turn)\b|n't\b",
    re.IGNORECASE,
)
_DONE_BEFORE = re.compile(
    r"\b(?:after|once|when|if|unless|until|before|instead of|than|sent|with)\s+(?:\w+\s+){0,2}\Z",
    re.IGNORECASE,
)
_CONNECTED = re.compile(
    r"(?:[.;,]?\s{1,9}(?:and|then|plus|also|as well as|followed by|\+|&)|[.;,]|(?=\s))"
    r"(?:\s{1,9}(?:then|also|after that|afterwards|call|send|use|text|trigger|the|template)){0,4}\s{0,9}\Z",
    re.IGNORECASE,
)
_GOES_ON = re.compile(
    r"(?:and|then|also|next|additionally|in addition|after that|afterwards|finally|please|call|send|use|text"
    r"|trigger|fire|run|invoke)\b",
    re.IGNORECASE,
)
_PROMISES = re.compile(
    r"\b(?:text|sms|message)(?:s|ed|ing)?\s+(?:you|them|him|her|the\s+(?:caller|customer|guest|client|patient|user)s?"
    r"|callers|customers|guests|clients|patients)\b"
    r"|\b(?:send|sends|sending|get|gets|receive|receives)\b[^.!?\n]{0,60}\b(?:texts?|text messages?|sms)\b"
    r"|\b(?:by|via|as a|in a|over)\s+(?:text(?: message)?|sms)\b",
    re.IGNORECASE,
)
_NO_PROMISE = re.compile(
    r"\b(?:not|never|cannot|unable|without|no longer|no|us|our number|stop|reply|replies)\b|n't\b|\bto \+?\d",
    re.IGNORECASE,
)


def no_consent(reading: Reading) -> Iterator[Spot]:
    """What is sent although nothing makes the agent ask."""
    if not reading.is_english:
        return
    general = _general(reading)
    needing = {each.start for each, template in reading.sendable() if template.needs_consent}
    unasked = [
        each
        for line in reading.lines
        if not (asked_for(line.sentences) | general if line.references else general)
        for each in line.references
        if each.start in needing
    ]
    if not unasked:
        return
    first, own = unasked[0], asked_for(_line_of(reading, unasked[0]).sentences) | general
    names = _named([each.name for each in unasked])
    message = (
        f"The agent is to offer a text, and nothing makes it wait for a yes before it sends {names}."
        if own.is_offered
        else f"Nothing makes the agent ask before it sends {names}. Always have it ask first."
    )
    end = len(reading.text.actions.rstrip())
    between = "\n\n" if len([line for line in reading.lines if line.sentences]) > 1 else " "
    mend = Mend("Add a step that asks", end, end, between + ASK_FIRST)
    yield Spot(first.start, first.end, message, mend)


def no_when(reading: Reading) -> Iterator[Spot]:
    """What has no condition anywhere near."""
    if not reading.is_english:
        return
    general = any(
        says_when(sentence.words)
        for line in reading.lines
        if not line.references
        for sentence in line.sentences
    )
    known = {each.start for each, _ in reading.sendable()}
    for line in reading.lines:
        here = [each for each in line.references if each.start in known]
        if general or not here or any(says_when(sentence.words) for sentence in line.sentences):
            continue
        sentence = next(each for each in line.sentences if here[0] in each.references)
        yield Spot(
            here[0].start,
            here[0].end,
            f"It does not say when to send {_named([each.name for each in here])}. Begin with a condition, "
            "such as “If the caller asks how to get here, …”.",
            _with_condition(sentence),
        )


def two_at_once(reading: Reading) -> Iterator[Spot]:
    """Two texts that one turn would send."""
    if not reading.is_english:
        return
    for line in reading.lines:
        before: Sentence | None = None
        for sentence in line.sentences:
            yield from _together(reading, sentence)
            if before and sentence.references and _goes_on(sentence):
                yield from _pair(reading, before.references[-1], sentence.references[0])
            before = sentence if sentence.references else None


def promised_text(reading: Reading) -> Iterator[Spot]:
    """A text that is promised while Actions refers to none."""
    if reading.references or any(True for _ in near.found(reading)):
        return
    for field, written in (("actions", reading.text.actions), ("content", reading.text.content)):
        promise = next(_promises(written), None)
        if promise:
            where = "Actions speaks of a text" if field == "actions" else "Content promises a text"
            yield Spot(
                promise.start,
                promise.end,
                f"{where}, but Actions refers to no template, so the agent cannot send one. Type / in "
                "Actions to insert one.",
                field=field,
            )


def _general(reading: Reading) -> Consent:
    return asked_for(sentence for line in reading.lines if not line.references for sentence in line.sentences)


def _line_of(reading: Reading, reference: prompt.Reference) -> Line:
    return next(line for line in reading.lines if reference in line.references)


def _named(names: list[str]) -> str:
    unique = list(dict.fromkeys(names))
    shown = [f"“{name}”" for name in unique[:MOST_NAMED]]
    if len(unique) > MOST_NAMED:
        return ", ".join(shown) + " and others"
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def says_when(words: str) -> bool:
    """Whether a condition stands there, or a label in place of one."""
    return bool(_WHEN.search(words) or _LABELLED.match(words))


def _with_condition(sentence: Sentence) -> Mend | None:
    order = _ORDER.match(sentence.text)
    if not order:
        return None
    text = f"If the caller asks for it, {order.group(1).lower()}"
    return Mend(f"Write “{text} …”", sentence.start, sentence.start + order.end(), text)


def _together(reading: Reading, sentence: Sentence) -> Iterator[Spot]:
    for one, other in zip(sentence.references, sentence.references[1:], strict=False):
        between = reading.text.actions[one.end : other.start]
        before = reading.text.actions[max(sentence.start, one.start - LOOKED_BACK) : one.start]
        apart = _ONE_OF.search(between) or _WHEN.search(between) or ";" in between
        if not apart and not _ONE_OF.search(before) and not _DONE_BEFORE.search(before):
            yield from _pair(reading, one, other)


def _goes_on(sentence: Sentence) -> bool:
    return (
        bool(_GOES_ON.match(sentence.words))
        and not says_when(sentence.words)
        and not _ONE_OF.search(sentence.words)
    )


def _pair(reading: Reading, one: prompt.Reference, other: prompt.Reference) -> Iterator[Spot]:
    first, second = reading.template(one), reading.template(other)
    if not first or not second or first == second or not (first.is_active and second.is_active):
        return
    between = reading.text.actions[one.end : other.start]
    connected = _CONNECTED.search(between)
    mend = None
    if connected:
        mend = Mend("Let it wait for its own yes", one.end + connected.start(), other.start, IN_ANOTHER_TURN)
    yield Spot(
        other.start,
        other.end,
        f"“{one.name}” and “{other.name}” would both be sent in one turn. Agents do one thing a turn, so "
        "that one of them may get lost: let the second wait for its own yes.",
        mend,
    )


def _promises(written: str) -> Iterator[Sentence]:
    for line in lines(written, []):
        yield from (each for each in line.sentences if _is_promise(each.words))


def _is_promise(words: str) -> bool:
    return bool(_PROMISES.search(words)) and not _NO_PROMISE.search(words)
