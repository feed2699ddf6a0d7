"""What the linter must know of the templates, as the database has it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from builder import lint, prompt
from sms.models import SmsTemplate


def facts(template: SmsTemplate) -> lint.Template:
    """What counts of a template for whoever refers to it. It need not be stored."""
    return lint.Template(
        template.name,
        template.is_active,
        template.obstacle(),
        template.effective_sender(),
        not template.transactional,
        tuple(
            lint.Variable(variable.name, variable.source, variable.description, variable.may_be_missing)
            for variable in template.variables()
        ),
        str(template.owner),
        template.open_to,
    )


@dataclass(frozen=True, slots=True)
class Known:
    """The templates that texts refer to, by name, and the names of all there are.

    `refused` are those that somebody may not put to use, and why.
    """

    templates: Mapping[str, lint.Template]
    names: Collection[str]
    refused: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, actions: Iterable[str], user: Any = None) -> Known:
        """What is known of the templates that these Actions refer to, however many, in a few queries; for
        whoever edits them, if they are named."""
        referred = {name for each in actions for name in prompt.references(each)}
        templates = (
            SmsTemplate.objects.filter(name__in=referred)
            .select_related("owner__sms_profile")
            .prefetch_related("typed_variables", "translations")
        )
        names = SmsTemplate.objects.order_by("name").values_list("name", flat=True)
        refused = {template.name: template.refusal(user) for template in templates} if user else {}
        return cls({template.name: facts(template) for template in templates}, list(names), refused)
