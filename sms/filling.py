"""What stands in the texts of a template: filled in, and looked at for links that come about between values.

Compiled once and used for many texts: a caller waits for what is done here at each call.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sms import links, text
from sms.models import SmsTemplate, Variable

# Whose values are not written by those who wrote the text.
_FOREIGN = (Variable.Source.AGENT, Variable.Source.CALLER_NAME)


class Filling:
    """A template's texts by language, with the variables that stand in them.

    Where no value is given, a variable's fixed text stands, or its default.
    """

    def __init__(self, template: SmsTemplate) -> None:
        self.bodies = template.bodies()
        self.variables = {each.name: each for each in template.variables()}
        self._otherwise = {
            name: each.fixed_text if each.is_fixed else each.default for name, each in self.variables.items()
        }
        self._guarded = {
            name for name, each in self.variables.items() if each.source in _FOREIGN and not each.allows_links
        }
        self._touching = {language: touching(body) for language, body in self.bodies.items()}

    def filled(self, language: str, values: Mapping[str, str]) -> str:
        """The text of a language with these values."""
        return text.fill(self.bodies[language], {**self._otherwise, **values})

    def refuse_links(self, language: str, values: Mapping[str, str]) -> None:
        """Raise text.HoldsLink for a link in a value whose variable forbids it, or one that comes about where
        the value meets what stands beside it. Links that stand in the text itself are nobody's fault."""
        written = [name for name, value in values.items() if value and name in self._guarded]
        for name in written:
            self.variables[name].refuse_link(values[name])
        touched = [name for name in written if name in self._touching[language]]
        link = self._added(language, values, written) if touched else ""
        if link:
            guilty = next((name for name in touched if self._added(language, values, [name])), touched[0])
            raise text.HoldsLink(
                f"“{guilty}” may hold no link, and “{link}” is one or would be taken for one: it comes about "
                "where the value meets what stands beside it. Put a space between them in the template, or "
                "write another value.",
                text.NO_LINK,
            )

    def _added(self, language: str, values: Mapping[str, str], names: Iterable[str]) -> str:
        blank = {**values, **dict.fromkeys(names, " ")}
        return links.added(self.filled(language, values), self.filled(language, blank))


def touching(body: str) -> frozenset[str]:
    """The placeholders that stand in one word with another, or with a letter or digit: what fills them may
    make a link of it. A full stop that ends a sentence does not."""
    parts = text.parts(body)
    found = set()
    for place in range(1, len(parts), 2):
        before, after = parts[place - 1], parts[place + 1]
        left = "" if before[-1:].isspace() else "".join(before.split()[-1:])
        right = "" if after[:1].isspace() else "".join(after.split()[:1])
        meets_another = (place > 1 and left == before) or (place < len(parts) - 2 and right == after)
        if meets_another or any(char.isalnum() for char in left + right):
            found.add(parts[place])
    return frozenset(found)
