"""The Actions field as somebody reads it: lines of sentences, and the references in them. Pure.

A repeat that could be tried again is bounded in these expressions, so that no text takes long (CWE-1333).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from builder import prompt
from builder.lint.facts import Template, Text

_END = re.compile(r"[.!?…]{1,9}[\"'”’)]{0,3}(?=\s|$)")
# A full stop behind one of these ends no sentence.
_ABBREVIATED = re.compile(r"\b(?:[a-z]|e\.g|i\.e|[ap]\.m|[ap]m|etc|mrs?|ms|dr|st|no|vs)\Z", re.IGNORECASE)
_BULLET = re.compile(r"\s{0,40}(?:[-*•–]|\d{1,2}[.)]|[a-z]\))\s{1,40}", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]+")
# Few of them mean anything in another language.
_ENGLISH = re.compile(
    r"the[mny]?|they|their|that|this|to|if|when|whenever|once|after|before|with|and|or|of|is|are|it|by|text"
    r"|message|send|callers?|customer|call|asks?|agrees?|offer|would|like|about|wants?|you|your"
)
# Fewer words than these are in no language.
_FEW = 6
_LEAST_ENGLISH = 0.2
_STRAIGHT = str.maketrans("’‘", "''")


@dataclass(frozen=True)
class Sentence:
    """A sentence of the Actions field, where it starts, and what it refers to."""

    start: int
    text: str
    references: tuple[prompt.Reference, ...]

    @property
    def end(self) -> int:
        return self.start + len(self.text)

    @cached_property
    def words(self) -> str:
        """Its text with straight apostrophes, and {{}} for each reference: a name is no wording."""
        return prompt.resolve(self.text.translate(_STRAIGHT), lambda name: "{{}}")


@dataclass(frozen=True)
class Line:
    """A line, which is a paragraph or an entry of a list."""

    sentences: tuple[Sentence, ...]

    @cached_property
    def references(self) -> tuple[prompt.Reference, ...]:
        return tuple(each for sentence in self.sentences for each in sentence.references)


class Reading:
    """A text that has been read: what every rule starts from."""

    def __init__(self, text: Text) -> None:
        self.text = text
        self.references = list(prompt.located(text.actions))
        self.lines = list(lines(text.actions, self.references))
        self.is_english = is_english(text.actions)
        self._spelt = {name.lower(): name for name in text.names}

    def template(self, reference: prompt.Reference) -> Template | None:
        """The template that a reference means, if there is one."""
        return self.text.templates.get(reference.name)

    def sendable(self) -> Iterator[tuple[prompt.Reference, Template]]:
        """The references to templates that exist and are switched on."""
        for reference in self.references:
            template = self.template(reference)
            if template and template.is_active:
                yield reference, template

    def spelt(self, name: str) -> str:
        """The name of a template, as it is spelt, that differs in capitals at most; "" if there is none."""
        return self._spelt.get(name.lower(), "")


def lines(text: str, references: list[prompt.Reference]) -> Iterator[Line]:
    """The lines of a text, with those of the references that stand in each."""
    start = 0
    for line in text.split("\n"):
        yield Line(tuple(_sentences(line, start, references)))
        start += len(line) + 1


def _sentences(line: str, offset: int, references: list[prompt.Reference]) -> Iterator[Sentence]:
    bullet = _BULLET.match(line)
    start = bullet.end() if bullet else 0
    ends = [
        found.end()
        for found in _END.finditer(line, start)
        if not _ABBREVIATED.search(line[: found.start()][-8:])
    ]
    for end in [*ends, len(line)]:
        text = line[start:end].strip()
        if text:
            begin = offset + start + len(line[start:end]) - len(line[start:end].lstrip())
            inside = [each for each in references if begin <= each.start < begin + len(text)]
            yield Sentence(begin, text, tuple(inside))
        start = end


def is_english(actions: str) -> bool:
    """Whether a text may be in English; so few words that they are in no language may."""
    words = [word.lower() for word in _WORD.findall(prompt.resolve(actions, lambda name: ""))]
    return len(words) < _FEW or sum(bool(_ENGLISH.fullmatch(word)) for word in words) >= _LEAST_ENGLISH * len(
        words
    )
