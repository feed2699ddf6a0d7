"""The Build room: managed topics, and the global SMS actions."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction
from django.db.models.functions import Upper

from builder import lint, prompt
from builder.linting import Known
from sms import hosts, numbers, phones, text, words
from sms.models import NUMBER_CHARACTERS, Sendable, SmsTemplate
from sms.tracked import tracked

MAX_QUESTIONS = 20
MAX_TEXT_CHARACTERS = 10_000
MAX_HOSTS = 20
MAX_WORDS = 50
MAX_NUMBERS = 20
# That a caller need not be asked was decided of the caller's own number.
NO_CONSENT_OF_OTHERS = (
    "Only an administrator may decide that others than the caller are texted without consent."
)


@tracked(without=("accepted_warnings",))
class Topic(models.Model):
    """What an agent knows about one subject, and what it may do there.

    `actions` is a prompt in which {{name}} stands for the SMS template of that name; nowhere else does a
    reference mean anything.
    """

    name = models.CharField(max_length=100)
    questions = ArrayField(
        models.CharField(max_length=300),
        size=MAX_QUESTIONS,
        default=list,
        blank=True,
        verbose_name="sample questions",
        help_text="How callers ask about it, in their words; three or more help the agent find the topic.",
    )
    content = models.TextField(
        max_length=MAX_TEXT_CHARACTERS, blank=True, help_text="What the agent may say about it."
    )
    actions = models.TextField(
        max_length=MAX_TEXT_CHARACTERS,
        blank=True,
        help_text="When and how the agent sends a text: “Offer to text the caller the directions. If they "
        "agree, call {{directions}}.” Always have the agent ask first.",
    )
    is_active = models.BooleanField("active", default=True)
    # The linter's warnings that somebody accepted, by their fingerprints: until they change they keep silent.
    accepted_warnings = ArrayField(
        models.CharField(max_length=lint.FINGERPRINT_CHARACTERS), default=list, blank=True, editable=False
    )
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="topics")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    # See edited_by().
    editor: Any = None
    kept: Collection[str] = ()

    class Meta:
        verbose_name = "managed topic"
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                Upper("name"),
                name="topic_name_unique",
                violation_error_message="A topic of this name exists already.",
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def references(self) -> list[str]:
        """The names of the templates that the Actions field refers to."""
        return prompt.references(self.actions)

    def edited_by(self, user: Any) -> None:
        """Note who is about to change it: what they may not put to use is an error from now on, unless it is
        there already."""
        self.editor = user
        self.kept = self.references

    @classmethod
    def by_reference(cls) -> dict[str, list[Topic]]:
        """The topics that refer to a template, by its name."""
        found: dict[str, list[Topic]] = {}
        for topic in cls.objects.filter(actions__contains="{{").only("name", "actions"):
            for name in topic.references:
                found.setdefault(name, []).append(topic)
        return found

    @classmethod
    def rename_reference(cls, old: str, new: str) -> list[Topic]:
        """Have all topics follow a template to its new name, or none. The topics that did."""
        referring = [topic.pk for topic in cls.by_reference().get(old, [])]
        with transaction.atomic():
            # Locked and read again: what somebody saves of a topic in the meantime must not be lost.
            followed: list[Topic] = list(cls.objects.select_for_update().filter(pk__in=referring))
            for topic in followed:
                topic.actions = prompt.resolve(
                    topic.actions, lambda name: f"{{{{{new if name == old else name}}}}}"
                )
                topic.save(update_fields=["actions", "updated_at"])
        return followed

    def findings(
        self, reaches: Collection[lint.Reach] = (), known: Known | None = None
    ) -> list[lint.Finding]:
        """What the linter finds in it, given the campaigns that it reaches; accepted warnings, too.

        `known` spares the queries where several topics are looked at.
        """
        known = known or Known.of([self.actions], self.editor)
        refused = {name: why for name, why in known.refused.items() if why and name not in self.kept}
        return lint.check(
            lint.Text(
                text.one_line_break(self.actions),
                text.one_line_break(self.content),
                known.templates,
                known.names,
                reaches,
                refused,
            )
        )

    def open_findings(self, *args: Any, **kwargs: Any) -> list[lint.Finding]:
        """As findings(), without the warnings that somebody accepted."""
        return [
            finding
            for finding in self.findings(*args, **kwargs)
            if finding.is_error or finding.fingerprint not in self.accepted_warnings
        ]

    def clean(self) -> None:
        self.content = text.one_line_break(self.content)
        self.actions = prompt.canonical(text.one_line_break(self.actions))
        errors: dict[str, list[str]] = {}
        for finding in self.findings():
            if finding.is_error:
                errors.setdefault(finding.field, []).append(finding.message)
        if errors:
            raise ValidationError(errors)


@tracked()
class SmsAction(Sendable):
    """A global action that texts during a call, in every campaign that it is attached to."""

    class Recipient(models.TextChoices):
        CALLER = "caller", "The caller"
        ANYONE = "anyone", "Anyone: the agent asks for the number"

    template = models.ForeignKey(
        SmsTemplate,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="actions",
        help_text="Fixes what is sent. Without one, the agent writes the text.",
    )
    # These four hold for what the agent writes, and wait for it where a template is sent.
    max_segments = models.PositiveSmallIntegerField(
        "segments at most",
        default=3,
        db_default=3,
        validators=[MinValueValidator(1), MaxValueValidator(text.MAX_SEGMENTS)],
        help_text="A segment is 160 plain characters, or 153 each where there are several, and each is paid "
        "for. A longer text is not sent: the agent is told to make it shorter.",
    )
    allowed_hosts = ArrayField(
        models.CharField(max_length=hosts.HOST_CHARACTERS),
        size=MAX_HOSTS,
        default=list,
        db_default=[],
        blank=True,
        verbose_name="allowed links",
        help_text="The web sites that the agent may link to, such as example.com: all pages there, and mail "
        "addresses. With none, it texts no link at all.",
    )
    forbidden_words = ArrayField(
        models.CharField(max_length=words.WORD_CHARACTERS),
        size=MAX_WORDS,
        default=list,
        db_default=[],
        blank=True,
        help_text="What must never stand in a text, in capitals or not, with accents or not. The agent reads "
        "this list, too.",
    )
    allowed_numbers = ArrayField(
        models.CharField(max_length=NUMBER_CHARACTERS),
        size=MAX_NUMBERS,
        default=list,
        db_default=[],
        blank=True,
        verbose_name="allowed phone numbers",
        help_text="The phone numbers that the agent may write into a text, such as the front desk's. The "
        "recipient's own, the caller's and the one that it is sent from may always stand there.",
    )
    recipient = models.CharField(
        max_length=8,
        choices=Recipient.choices,
        default=Recipient.CALLER,
        help_text="“The caller” texts the number that the call comes from; nothing the agent hears can "
        "change it.",
    )

    class Meta:
        verbose_name = "SMS action"
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                Upper("name"),
                "owner",
                name="action_name_unique",
                violation_error_message="You have an action of this name already.",
            )
        ]

    def lacks(self) -> str:
        """As of all that is sent; and its template must be switched on, and shared if somebody else's."""
        if self.template and not self.template.is_active:
            return f"Its template “{self.template}” is switched off."
        if self.template and not self.template.is_open_to(self.owner_id):
            return (
                f"The text of “{self.name}” is the template “{self.template}” of {self.template.owner}, who "
                "does not share it."
            )
        return super().lacks()

    @staticmethod
    def tidied_hosts(written: Iterable[str]) -> list[str]:
        """Hosts as they are stored, each once, however people write them."""
        return list(dict.fromkeys(map(hosts.tidied, written)))

    @staticmethod
    def tidied_words(written: Iterable[str]) -> list[str]:
        """Words as they are stored: each once, however it is written the second time."""
        return list({text.bare(each): each for each in reversed(list(written))}.values())[::-1]

    @staticmethod
    def tidied_numbers(written: Iterable[str]) -> list[str]:
        """Phone numbers as they are stored, each once, however people write them; what is none stays."""
        return list(dict.fromkeys(map(_tidied_number, written)))

    def clean_fields(self, exclude: Collection[str] | None = None) -> None:
        """As Sendable's; hosts, words and numbers are tidied, and each must be one."""
        self.allowed_numbers = self.tidied_numbers(self.allowed_numbers)
        self.allowed_hosts = self.tidied_hosts(self.allowed_hosts)
        self.forbidden_words = self.tidied_words(self.forbidden_words)
        errors: dict[str, list[ValidationError]] = {}
        try:
            super().clean_fields(exclude)
        except ValidationError as error:
            errors = error.update_error_dict({})
        for name, check, values in (
            ("allowed_hosts", hosts.parse, self.allowed_hosts),
            ("forbidden_words", words.check, self.forbidden_words),
            ("allowed_numbers", phones.listed, self.allowed_numbers),
        ):
            said = [ValidationError(each) for each in _refused(check, values)]
            if said and name not in {*errors, *(exclude or ())}:
                errors[name] = said
        if errors:
            raise ValidationError(errors)


def _tidied_number(written: str) -> str:
    try:
        return phones.listed(written)
    except numbers.NotANumber:
        return written.strip()


def _refused(check: Callable[[str], object], values: Iterable[str]) -> Iterator[str]:
    for value in values:
        try:
            check(value)
        except ValueError as error:
            yield f"“{value[:60]}”: {error}"
