"""What fills a template's placeholders, and what may stand there."""

from __future__ import annotations

from typing import ClassVar

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from sms import links, numbers, patterns, text
from sms.tracked import tracked
from sms.validators import validate_fixed_text

# A campaign's name, which a text may carry.
CAMPAIGN_CHARACTERS = 100
PATTERN_CHARACTERS = 200


@tracked(part_of="template")
class Variable(models.Model):
    """Where the value of one placeholder comes from, and the rules for it where somebody else writes it.

    A placeholder without a row is filled by the agent, by the defaults here.
    """

    class Source(models.TextChoices):
        AGENT = "agent", "The agent fills it"
        CALLER_NUMBER = "caller_number", "The caller's number"
        CALLER_NAME = "caller_name", "The caller's name"
        CAMPAIGN = "campaign", "The campaign's name"
        FIXED = "fixed", "A fixed text"

    template = models.ForeignKey("SmsTemplate", on_delete=models.CASCADE, related_name="typed_variables")
    name = models.CharField(max_length=text.VARIABLE_CHARACTERS)
    source = models.CharField("comes from", max_length=16, choices=Source.choices, default=Source.AGENT)
    fixed_text = models.CharField(
        max_length=text.MAX_VALUE_CHARACTERS,
        blank=True,
        validators=[validate_fixed_text],
        help_text="Stands in every text as it is written here.",
    )
    description = models.CharField(
        max_length=300,
        blank=True,
        help_text="What the agent should write, for example: “The day of the booking, such as Friday 3 May”.",
    )
    max_characters = models.PositiveSmallIntegerField(
        "characters at most",
        default=60,
        validators=[MinValueValidator(1), MaxValueValidator(text.MAX_VALUE_CHARACTERS)],
    )
    pattern = models.CharField(
        max_length=PATTERN_CHARACTERS,
        blank=True,
        help_text="What the whole value must look like, as a regular expression: [A-Z]{2}[0-9]{4} is two "
        "capitals and four digits.",
    )
    is_required = models.BooleanField(
        "required", default=True, help_text="Without a value, nothing is sent and the agent asks for it."
    )
    default = models.CharField(
        max_length=text.MAX_VALUE_CHARACTERS, blank=True, help_text="Stands there where no value is given."
    )
    allows_links = models.BooleanField(
        "may hold a link",
        default=False,
        help_text="Otherwise a web address, or what a phone would make one of, is refused.",
    )

    class Meta:
        ordering: ClassVar = ["pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["template", "name"],
                name="variable_once",
                violation_error_message="This variable is described already.",
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def words(self) -> str:
        """The name as it is said."""
        return self.name.replace("_", " ")

    @property
    def is_fixed(self) -> bool:
        return self.source == self.Source.FIXED

    @property
    def is_asked_for(self) -> bool:
        """Whether the agent writes it."""
        return self.source == self.Source.AGENT

    @property
    def may_be_missing(self) -> bool:
        """Whether a text can be sent without a value: then `default` stands there, or nothing."""
        return bool(self.default) or not self.is_required

    def clean(self) -> None:
        if self.name not in self.template.placeholders:
            raise ValidationError(
                {"name": f"No text of this template has {{{{ {self.name} }}}}. Write it there first."}
            )
        if self.is_fixed and not self.fixed_text:
            raise ValidationError({"fixed_text": "Write what is to stand there."})
        try:
            patterns.check(self.pattern, self.max_characters)
        except patterns.UnusablePattern as error:
            raise ValidationError({"pattern": str(error)}) from error
        if self.default:
            try:
                self.refuse(self.default)
                self.refuse_link(self.default)
            except text.CannotBeFilled as error:
                raise ValidationError({"default": f"By this variable's own rules: {error}"}) from error

    def refuse(self, value: str) -> None:
        """Raise text.CannotBeFilled for a value of the wrong shape. Links are refuse_link()'s."""
        if len(value) > self.max_characters:
            raise text.CannotBeFilled(
                f"“{self.name}” has {len(value)} characters, {self.max_characters} is the most. "
                "Write it shorter.",
                f"The {self.words} is too long for a text. I'll make it shorter.",
            )
        if not value.isprintable():
            self._refuse_unprintable(value)
        if self.pattern and not patterns.compiled(self.pattern).fullmatch(value):
            raise text.CannotBeFilled(
                f"“{self.name}” must look like {self.pattern} from end to end. {self.description}".strip(),
                f"I didn't get the {self.words} right. Could you tell me once more?",
            )

    def refuse_link(self, value: str) -> None:
        """Raise text.HoldsLink for a value with a link, or what would be taken for one, unless it may."""
        link = "" if self.allows_links else links.found(value)
        if link:
            raise text.HoldsLink(
                f"“{self.name}” may hold no link, and “{link}” is one or would be taken for one. Write it "
                "without, and with a space behind each full stop.",
                text.NO_LINK,
            )

    def _refuse_unprintable(self, value: str) -> None:
        try:
            text.refuse_unsendable(value)
        except text.CannotBeSent as error:
            raise text.CannotBeFilled(f"“{self.name}”: {error}", text.CANNOT_BE_TEXTED) from error
        if set(value) & set("\n\r\t\u2028\u2029"):
            raise text.CannotBeFilled(f"“{self.name}” must be one line, without tabs.", text.CANNOT_BE_TEXTED)

    def longest(self, widest: str = "") -> str:
        """A value that takes as much room in a text as any can; of the character `widest`, if it is given."""
        if self.is_fixed:
            return self.fixed_text
        if self.source == self.Source.CALLER_NUMBER:
            return "0" * numbers.WRITTEN_CHARACTERS
        if self.source == self.Source.CAMPAIGN:
            return (widest or patterns.widest("")) * CAMPAIGN_CHARACTERS
        return (widest or patterns.widest(self.pattern)) * self.max_characters
