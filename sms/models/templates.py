"""What is sent: SMS templates, and what they have in common with SMS actions."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import timedelta
from itertools import chain, count
from typing import Any, ClassVar

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import IntegrityError, models, transaction
from django.db.models.functions import Upper

from sms import languages, text
from sms.models.profiles import SENDER_CHARACTERS, ProviderName, UserProfile
from sms.models.variables import Variable
from sms.validators import tidied_sender, validate_body, validate_sender

# The name of a tool as model vendors take it (OpenAI, Anthropic, MCP).
TOOL_NAME = r"[A-Za-z0-9_-]{1,64}"
TOOL_NAME_CHARACTERS = 64
# Tools that every campaign has.
RESERVED_NAMES = {"stop_texting", "get_sms_status"}
# Nobody wants the text of a call three hours later.
DEFAULT_SEND_WITHIN = timedelta(minutes=15)
# Twilio holds a text for at most ten hours (ValidityPeriod, 36,000 s).
MAX_SEND_WITHIN = timedelta(hours=10)
# A request has a thousand fields at most (Django's bound); these leave room for all of them.
MAX_VARIABLES = 50
MAX_TRANSLATIONS = 30


class OnDoubt(models.TextChoices):
    """What becomes of a text whose handing over broke off, and that the carrier's list does not hold."""

    RESEND = "resend", "Send it once more"
    UNKNOWN = "unknown", "Do not send it again"


class Wait(models.IntegerChoices):
    """For how many seconds, at most, a tool call's answer waits for what the carrier says. Runtimes give up
    after five."""

    NOT = 0, "No: the agent goes on at once"
    ONE_SECOND = 1, "A second at most"
    TWO_SECONDS = 2, "Two seconds at most"
    THREE_SECONDS = 3, "Three seconds at most"


class Sendable(models.Model):
    """What an SMS template and an SMS action have in common: how, by whom and for how long a text is sent."""

    name = models.CharField(
        max_length=64,
        validators=[
            RegexValidator(
                rf"\A{TOOL_NAME}\Z", "Use letters, digits, _ and - only, up to 64, without spaces."
            )
        ],
        help_text="The tool's name, as the agent sees it: letters, digits, _ and -.",
    )
    description = models.TextField(
        max_length=1000,
        help_text="When the agent should send it. Be specific: “Use this to send a booking confirmation "
        "after the caller agrees to a time.”",
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        help_text="Whose Twilio account sends it.",
    )
    provider = models.CharField(max_length=16, choices=ProviderName.choices, default=ProviderName.TWILIO)
    sender = models.CharField(
        "From",
        max_length=SENDER_CHARACTERS,
        blank=True,
        validators=[validate_sender],
        help_text="Leave empty for the provider's default. A number (+13125550100), a short code, an "
        "alphanumeric id or a Messaging Service.",
    )
    send_within_seconds = models.PositiveIntegerField(
        "send within (seconds)",
        default=int(DEFAULT_SEND_WITHIN.total_seconds()),
        validators=[MinValueValidator(60), MaxValueValidator(int(MAX_SEND_WITHIN.total_seconds()))],
        help_text="A text that could not be sent in this time is dropped: nobody wants it hours after the "
        "call. 900 is 15 minutes.",
    )
    on_doubt = models.CharField(
        "if it gets lost on the way",
        max_length=8,
        choices=OnDoubt.choices,
        default=OnDoubt.RESEND,
        help_text="A connection can break while a text is handed over. Midcall then reads the carrier's "
        "list, twice, and a text that is not there was not sent. Should the carrier be minutes late, sending "
        "it once more makes it arrive twice, and not sending it again makes you ask the person.",
    )
    wait_seconds = models.PositiveSmallIntegerField(
        "wait for the carrier's answer",
        choices=Wait.choices,
        default=Wait.NOT.value,
        db_default=Wait.NOT.value,
        help_text="The caller hears silence meanwhile, and the agent can then say whether the carrier took "
        "the text. Without it the agent says that the text is on its way.",
    )
    transactional = models.BooleanField(
        "no consent needed",
        default=False,
        help_text="Only for texts that the caller has asked for by the purpose of the call itself. Otherwise "
        "the agent must ask first, and say what the caller answered.",
    )
    is_active = models.BooleanField("active", default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        if self.name.lower() in RESERVED_NAMES:
            raise ValidationError({"name": "Every campaign has a tool of this name already; choose another."})

    def clean_fields(self, exclude: Collection[str] | None = None) -> None:
        """As Django's; the sender is tidied, and the provider must be one that the owner may use."""
        without = set(exclude or ())
        if "sender" not in without:
            # A number of somebody's Twilio account is none of the platform's.
            self.sender = "" if self.provider == ProviderName.ATLAS else tidied_sender(self.sender)
        errors: dict[str, list[ValidationError]] = {}
        try:
            super().clean_fields(exclude)
        except ValidationError as error:
            errors = error.update_error_dict({})
        if "provider" not in without | errors.keys() and self.owner_id is not None:
            provider = ProviderName(self.provider)
            if provider not in self.owner_profile().enabled_providers():
                name = provider.label.partition(" (")[0]
                errors["provider"] = [ValidationError(f"{name} is not enabled for {self.owner}.")]
        if errors:
            raise ValidationError(errors)

    def effective_sender(self) -> str:
        """The sender that a text leaves with; "" if none is set anywhere."""
        return self.sender or self.owner_profile().default_sender(self.provider)

    def owner_profile(self) -> UserProfile:
        """The owner's profile, made empty if the owner never had one."""
        try:
            return self.owner.sms_profile
        except UserProfile.DoesNotExist:
            profile, _ = UserProfile.objects.get_or_create(user_id=self.owner_id)
            return profile

    def obstacle(self) -> str:
        """Why a text of this cannot be sent now, in plain words for ops; "" if it can."""
        return f"“{self.name}” is switched off." if not self.is_active else self.lacks()

    def lacks(self) -> str:
        """What is missing for a text of this to be sent, whether it is switched on or not; "" if nothing."""
        return self.owner_profile().obstacle(self.provider) or (
            "" if self.effective_sender() else f"“{self.name}” has no sender, and no default is set."
        )

    def snapshot(self) -> dict[str, Any]:
        """What a text of this is promised with, whoever gets it and whatever it says."""
        profile = self.owner_profile()
        return {
            "tool": self.name,
            "provider": str(self.provider),
            "profile": None if self.provider == ProviderName.ATLAS else profile.pk,
            "account_sid": profile.account_sid(self.provider),
            "sender": self.effective_sender(),
            "send_within": timedelta(seconds=self.send_within_seconds),
            "on_doubt": str(self.on_doubt),
        }


class SmsTemplate(Sendable):
    """A text with placeholders, written by people; its name is the name of the tool that sends it."""

    body = models.TextField(
        max_length=text.MAX_BODY_CHARACTERS,
        validators=[validate_body],
        help_text="What the caller receives. {{ name }} is filled in when it is sent.",
    )
    language = models.CharField(
        max_length=languages.TAG_CHARACTERS,
        default=languages.DEFAULT,
        help_text="The language of this text, such as en, es or pt-BR. In a call in a language without a "
        "text of its own, this one is sent.",
    )
    max_segments = models.PositiveSmallIntegerField(
        "segments at most",
        default=3,
        validators=[MinValueValidator(1), MaxValueValidator(text.MAX_SEGMENTS)],
        help_text="Each segment is paid for. A text that would take more is not sent: the agent is told to "
        "make it shorter.",
    )

    # What a form is about to store; where it is given, it counts in place of what is stored.
    drafted_translations: Sequence[Translation] | None = None
    drafted_variables: Sequence[Variable] | None = None

    class Meta:
        verbose_name = "SMS template"
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            # {{name}} means one template, whoever reads it; "A" and "a" would be one to a person.
            models.UniqueConstraint(
                Upper("name"),
                name="template_name_unique",
                violation_error_message="A template of this name exists already (capitals do not count).",
            )
        ]

    def clean(self) -> None:
        super().clean()
        self.language = _language(self.language)
        self.body = text.one_line_break(self.body)
        if any(each.language == self.language for each in self._translations()):
            raise ValidationError({"language": "There is a translation into this language already."})
        self._refuse_too_much()

    def bodies(self) -> dict[str, str]:
        """Its texts by language: its own first, then the translations."""
        return {self.language: self.body, **{each.language: each.body for each in self._translations()}}

    @property
    def placeholders(self) -> list[str]:
        """The names found in the body and in all translations, in the order of their first use."""
        return text.placeholders("\n".join([self.body, *[each.body for each in self._translations()]]))

    def variables(self) -> list[Variable]:
        """What fills each placeholder; where nobody said, the agent, by the usual rules (unsaved)."""
        by_name = {each.name: each for each in self._described()}
        return [by_name.get(name) or Variable(template=self, name=name) for name in self.placeholders]

    def duplicate(self, owner: Any) -> SmsTemplate:
        """Store a copy under a free name, with all texts and variables; the copy.

        It belongs to `owner`, and is switched off until somebody has made of it what it is to be. Another
        owner's account does not have this one's sender, so the copy gets the default.
        """
        is_theirs = owner.pk == self.owner_id
        while True:
            copy = SmsTemplate(
                **{field.attname: getattr(self, field.attname) for field in self._meta.concrete_fields}
            )
            copy.pk, copy.owner, copy.is_active = None, owner, False
            copy.name = self._free_name()
            copy.sender = self.sender if is_theirs else ""
            try:
                with transaction.atomic():
                    copy.save(force_insert=True)
                    parts: list[Variable | Translation]
                    parts = [*self.typed_variables.all(), *self.translations.all()]
                    for part in parts:
                        part.pk, part.template = None, copy
                        part._state.adding = True
                        part.save(force_insert=True)
            except IntegrityError:
                # Somebody took the name in this instant: there are others.
                if not SmsTemplate.objects.filter(name__iexact=copy.name).exists():
                    raise
                continue
            return copy

    def _free_name(self) -> str:
        taken = {name.lower() for name in SmsTemplate.objects.values_list("name", flat=True)}
        endings = chain(["_copy"], (f"_copy{number}" for number in count(2)))
        names = (self.name[: TOOL_NAME_CHARACTERS - len(ending)] + ending for ending in endings)
        return next(name for name in names if name.lower() not in taken)

    def largest(self) -> dict[str, text.Largest]:
        """How large each language's text can become, by the rules of its variables."""
        variables = self.variables()
        usually = {each.name: each.longest("a") for each in variables}
        ever = {each.name: each.longest() for each in variables}
        return {language: text.largest(body, usually, ever) for language, body in self.bodies().items()}

    def _described(self) -> Iterable[Variable]:
        if self.drafted_variables is not None:
            return self.drafted_variables
        return self.typed_variables.all() if self.pk else []

    def _translations(self) -> Iterable[Translation]:
        if self.drafted_translations is not None:
            return self.drafted_translations
        return self.translations.all() if self.pk else []

    def _refuse_too_much(self) -> None:
        """Raise ValidationError for too many parts, and for each text that is too long.

        The translations count, stored or drafted: a shorter limit or a longer fixed text makes them too long,
        too, and then no call in their language gets a text.
        """
        translations = list(self._translations())
        names = len(self.placeholders)
        errors: dict[str, list[str]] = {
            "body": [self.too_long(self.body)],
            "variables": [
                f"A template has {MAX_VARIABLES} variables at most; this has {names}."
                if names > MAX_VARIABLES
                else ""
            ],
            "translations": [
                f"A template has {MAX_TRANSLATIONS} translations at most; this has {len(translations)}."
                if len(translations) > MAX_TRANSLATIONS
                else "",
                *[
                    self.too_long(each.body, f"The text in {languages.name(each.language)}")
                    for each in translations[:MAX_TRANSLATIONS]
                ],
            ],
        }
        found = {key: [message for message in said if message] for key, said in errors.items()}
        if any(found.values()):
            raise ValidationError({key: said for key, said in found.items() if said})

    def too_long(self, body: str, called: str = "This text") -> str:
        """What is wrong with a text that takes too many segments even with nothing filled in; "" if nothing.

        One of more characters than any text may have is refused for that.
        """
        if not self.max_segments or len(body) > text.MAX_BODY_CHARACTERS:
            return ""
        fixed = {each.name: each.fixed_text for each in self.variables() if each.is_fixed}
        least = text.size(text.fill(body, {**dict.fromkeys(text.placeholders(body), ""), **fixed}))
        if least.segments <= self.max_segments:
            return ""
        return (
            f"{called} takes {least.segments} segments ({least.encoding}) even with nothing filled in, and "
            f"{self.max_segments} is the most. Make it shorter, or allow more."
        )


class Translation(models.Model):
    """A template's text in another language, with the same variables."""

    template = models.ForeignKey(SmsTemplate, on_delete=models.CASCADE, related_name="translations")
    language = models.CharField(
        max_length=languages.TAG_CHARACTERS, help_text="Such as en, es or pt-BR: that of the call."
    )
    body = models.TextField(
        max_length=text.MAX_BODY_CHARACTERS,
        validators=[validate_body],
        help_text="What the caller receives in a call of this language.",
    )

    class Meta:
        ordering: ClassVar = ["language"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["template", "language"],
                name="translation_once",
                violation_error_message="There is a translation into this language already.",
            )
        ]

    def __str__(self) -> str:
        return self.language

    def clean(self) -> None:
        self.language = _language(self.language)
        self.body = text.one_line_break(self.body)
        if self.language == self.template.language:
            raise ValidationError({"language": "The template's own text is in this language already."})
        if too_long := self.template.too_long(self.body):
            raise ValidationError({"body": too_long})


def _language(tag: str) -> str:
    try:
        return languages.meant(tag)
    except languages.NotALanguage as error:
        raise ValidationError({"language": str(error)}) from error
