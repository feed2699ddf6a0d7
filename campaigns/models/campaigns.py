"""Campaigns, how runtimes reach them, and what happened in their calls."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import timedelta
from typing import Any, ClassVar

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import InterfaceError, OperationalError, models
from django.db import connection as database
from django.db.models import Q, Subquery, Value
from django.utils import timezone
from psycopg import Cursor

from builder.lint import Reach
from builder.models import SmsAction, Topic
from sms import languages
from sms.fields import SecretField
from sms.models import CAMPAIGN_CHARACTERS, NUMBER_CHARACTERS, Message
from sms.tracked import tracked

ID_CHARACTERS = 255
LONGEST_CALL = timedelta(hours=4)


@tracked()
class Campaign(models.Model):
    """What an agent is running: instructions, topics and attached tools."""

    name = models.CharField(max_length=CAMPAIGN_CHARACTERS, unique=True)
    instructions = models.TextField(
        max_length=20_000,
        blank=True,
        help_text="Who the agent is and how it speaks; it opens the agent's system prompt.",
    )
    topics = models.ManyToManyField(Topic, blank=True, related_name="campaigns")
    actions = models.ManyToManyField(
        SmsAction, through="ToolAttachment", blank=True, related_name="campaigns"
    )
    country = models.CharField(
        max_length=2,
        default="US",
        help_text="Where callers are: local numbers are read in this country (two letters, such as US or "
        "GB).",
    )
    language = models.CharField(
        max_length=languages.TAG_CHARACTERS,
        default=languages.DEFAULT,
        help_text="Texts are sent in this language, such as en, es or pt-BR, unless the runtime names the "
        "call's. Where a template has no text in it, the template's own is sent.",
    )
    is_active = models.BooleanField(
        "active", default=True, help_text="Switched off, none of its tools sends anything."
    )
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="campaigns")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        import phonenumbers

        self.country = self.country.upper()
        if self.country not in phonenumbers.SUPPORTED_REGIONS:
            raise ValidationError({"country": "Write the country as two letters, such as US, GB or DE."})
        try:
            self.language = languages.parse(self.language)
        except languages.NotALanguage as error:
            raise ValidationError({"language": str(error)}) from error


@tracked(part_of="campaign", called="topic")
class CampaignTopic(Campaign.topics.through):  # type: ignore[misc, name-defined]
    """A topic in a campaign, as the history knows it."""

    class Meta:
        proxy = True
        default_permissions: ClassVar = ()
        verbose_name = "topic"


def reaches(topic: Topic) -> list[Reach]:
    """The campaigns that a stored topic stands in, as the linter looks at them."""
    return [Reach(campaign.name, campaign.country, campaign.owner_id) for campaign in topic.campaigns.all()]


class Revision(models.Model):
    """One row whose number changes with every change of the configuration, by triggers (migration 0002).

    Whoever keeps something compiled from the configuration knows by it whether that is still true.
    """

    number = models.BigIntegerField()

    def __str__(self) -> str:
        return str(self.number)


@tracked(
    part_of="campaign",
    secrets={
        "secret_hash": "secret",
        "signing_secret": "signing secret",
        "secondary_signing_secret": "secondary signing secret",
    },
    without=("secret_end",),
)
class Connection(models.Model):
    """One runtime's way into a campaign: a URL and a secret, of which only a hash is kept."""

    class Runtime(models.TextChoices):
        HTTP = "http", "HTTP (any runtime)"
        VAPI = "vapi", "Vapi"
        RETELL = "retell", "Retell"
        ELEVENLABS = "elevenlabs", "ElevenLabs"
        BLAND = "bland", "Bland"
        JAMBONZ = "jambonz", "jambonz"
        TELNYX = "telnyx", "Telnyx"

    # In the URL; it names, it does not authorise.
    slug = models.SlugField(max_length=24, unique=True, editable=False)
    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="connections")
    name = models.CharField(max_length=100, help_text="Which agent or system this is for.")
    runtime = models.CharField(max_length=16, choices=Runtime.choices, default=Runtime.HTTP)
    secret_hash = models.CharField(max_length=64, editable=False)
    secret_end = models.CharField(max_length=4, editable=False)
    # Where the vendor signs: its secrets, two while one is replaced, and how it signs (nothing secret).
    signing_secret = SecretField("signing secret", null=True, blank=True, bound_to="slug")
    secondary_signing_secret = SecretField("secondary signing secret", null=True, blank=True, bound_to="slug")
    signing = models.JSONField(default=dict, db_default=Value({}, models.JSONField()), blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    revoked_at = models.DateTimeField(null=True, blank=True)

    # The configuration's revision when the connection was opened(), and whether that may be long ago.
    revision = 0
    is_kept = False

    class Meta:
        ordering: ClassVar = ["-created_at"]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: object, **kwargs: object) -> None:
        self.slug = self.slug or secrets.token_hex(6)
        super().save(*args, **kwargs)  # type: ignore[arg-type]

    @classmethod
    def opened(cls, slug: str, secret: str) -> Connection | None:
        """The connection of that slug if the secret is its own, with the configuration's revision; or None.

        Its campaign is not loaded: campaigns.toolsets.toolset() keeps it.
        """
        if not slug.isprintable():
            return None
        try:
            row = cls._row(slug)
        except (OperationalError, InterfaceError):
            # A kept connection that died, as when the database restarted; nothing was asked on it yet.
            if database.in_atomic_block:
                raise
            database.close()
            row = cls._row(slug)
        if row is None:
            return None
        found = cls(id=row[0], slug=slug, campaign_id=row[1], secret_hash=row[2], revoked_at=row[3])
        found.revision = row[4] or 0
        found._state.adding = False
        return found if found.opens_with(secret) else None

    @classmethod
    def reached(cls, slug: str, runtime: str) -> Connection | None:
        """The connection of that slug for a runtime's own webhook, which has to prove itself yet; or None.

        With the configuration's revision, as opened() has it.
        """
        if not slug.isprintable():
            return None
        revision = Subquery(Revision.objects.values("number")[:1])
        found = cls.objects.annotate(as_of=revision).filter(slug=slug, revoked_at=None).first()
        if found is None or found.runtime not in (runtime, cls.Runtime.HTTP):
            return None
        found.revision = getattr(found, "as_of", None) or 0
        return found

    @staticmethod
    def _row(slug: str) -> tuple[Any, ...] | None:
        database.ensure_connection()
        with database.wrap_database_errors, Cursor(database.connection) as cursor:
            row: tuple[Any, ...] | None = cursor.execute(
                """
                SELECT id, campaign_id, secret_hash, revoked_at,
                    (SELECT number FROM campaigns_revision LIMIT 1)
                FROM campaigns_connection WHERE slug = %s
                """,
                [slug],
                prepare=True,
            ).fetchone()
        return row

    @property
    def address(self) -> str:
        """Where its doors begin, as runtimes reach us."""
        return f"{settings.PUBLIC_URL}/c/{self.slug}"

    def issue_secret(self, secret: str = "") -> str:
        """Set a new secret (256 random bits if none is given) and return it: it cannot be read again."""
        secret = secret or "mc_" + secrets.token_urlsafe(32)
        self.secret_hash = _hashed(secret)
        self.secret_end = secret[-4:]
        return secret

    def signing_secrets(self) -> list[str]:
        """What the vendor may sign with: none if it does not. Raises WrongEncryptionKey."""
        stored = (self.signing_secret, self.secondary_signing_secret)
        return [secret.reveal() for secret in stored if secret]

    def revoke(self) -> None:
        """Close this way in for good. What came in by it stays on record."""
        self.revoked_at = timezone.now()
        self.save(update_fields=["revoked_at"])

    def opens_with(self, secret: str) -> bool:
        """Whether a bearer secret is this connection's, in constant time."""
        return self.revoked_at is None and hmac.compare_digest(_hashed(secret), self.secret_hash)


def _hashed(secret: str) -> str:
    # The secret is 256 random bits: a slow password hash would add delay to a call and no safety.
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


class CallNumberChanged(ValueError):
    """A request names another caller's number than the call had before."""


class Call(models.Model):
    """One phone call as the runtime names it, with the caller's number from the runtime's envelope."""

    # Found by the constraint call_once. No constraint of its own: see Message.profile.
    connection = models.ForeignKey(
        Connection, on_delete=models.PROTECT, related_name="calls", db_index=False, db_constraint=False
    )
    external_id = models.CharField("call id", max_length=ID_CHARACTERS)
    caller_number = models.CharField(max_length=NUMBER_CHARACTERS, blank=True)
    caller_name = models.CharField(max_length=100, blank=True)
    started_at = models.DateTimeField("first seen", default=timezone.now)

    class Meta:
        ordering: ClassVar = ["-started_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["connection", "external_id"], name="call_once")
        ]
        indexes: ClassVar = [
            models.Index(fields=["-started_at"], name="call_newest"),
            models.Index(fields=["caller_number"], name="call_by_number"),
        ]

    def __str__(self) -> str:
        return self.external_id

    @classmethod
    def noted(
        cls, connection: Connection, external_id: str, caller_number: str, caller_name: str
    ) -> tuple[Call, bool]:
        """The call of that id, and whether it is new, in one statement that locks it until the transaction
        ends: tool calls of one call are decided one after the other.

        The first number that the runtime gives for a call stands. Raises CallNumberChanged for another one.
        """
        with database.cursor() as cursor:
            cursor.execute(
                """
                INSERT INTO campaigns_call AS call
                    (connection_id, external_id, caller_number, caller_name, started_at)
                VALUES (%s, %s, %s, %s, statement_timestamp())
                ON CONFLICT (connection_id, external_id) DO UPDATE SET
                    caller_number = COALESCE(NULLIF(call.caller_number, ''), EXCLUDED.caller_number),
                    caller_name = COALESCE(NULLIF(call.caller_name, ''), EXCLUDED.caller_name)
                RETURNING id, caller_number, caller_name, started_at, xmax = 0
                """,
                [connection.pk, external_id, caller_number, caller_name],
            )
            pk, number, name, started_at, is_new = cursor.fetchone()
        if caller_number and number != caller_number:
            raise CallNumberChanged
        if not caller_number and timezone.now() - started_at > LONGEST_CALL:
            # A runtime that uses an id again after so long means another call.
            number = ""
        call = cls(
            pk=pk,
            connection=connection,
            external_id=external_id,
            caller_number=number,
            caller_name=name,
            started_at=started_at,
        )
        call._state.adding = False
        return call, is_new


class ToolCall(models.Model):
    """One firing of a tool in a call: what was asked, what was decided, and what was answered."""

    class Outcome(models.TextChoices):
        ACCEPTED = "accepted", "Accepted"
        REFUSED = "refused", "Refused"
        DONE = "done", "Done, without a text"

    # Found by the constraint tool_call_once.
    call = models.ForeignKey(Call, on_delete=models.PROTECT, related_name="tool_calls", db_index=False)
    # The runtime's tool call id, or one of ours: a second request with it gets the first answer.
    key = models.CharField(max_length=ID_CHARACTERS)
    # SHA-256 of what was asked.
    fingerprint = models.CharField(max_length=64, editable=False)
    tool = models.CharField(max_length=64)
    # Found by the index tool_call_by_action.
    action = models.ForeignKey(
        SmsAction,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="tool_calls",
        db_index=False,
    )
    parameters = models.JSONField(default=dict, help_text="As the agent wrote them.")
    outcome = models.CharField(max_length=8, choices=Outcome.choices)
    refusal = models.CharField(max_length=32, blank=True, help_text="The rule that refused, by its code.")
    say = models.TextField(help_text="What the agent was told to say.")
    message = models.OneToOneField(
        Message, on_delete=models.PROTECT, null=True, blank=True, related_name="tool_call"
    )
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering: ClassVar = ["-at"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["call", "key"], name="tool_call_once"),
            models.CheckConstraint(
                condition=Q(outcome="accepted", message__isnull=False)
                | Q(outcome__in=["refused", "done"], message__isnull=True),
                name="promise_has_message",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["-at"], name="tool_call_newest"),
            models.Index(
                fields=["action", "-at"], condition=Q(action__isnull=False), name="tool_call_by_action"
            ),
        ]

    def __str__(self) -> str:
        return self.tool


class Consent(models.Model):
    """What a caller said when asked whether they may be texted. Append-only."""

    recipient = models.CharField("number", max_length=NUMBER_CHARACTERS)
    words = models.CharField("in their words", max_length=500)
    tool_call = models.OneToOneField(ToolCall, on_delete=models.PROTECT, related_name="consent")
    # No constraint: see Message.profile.
    campaign = models.ForeignKey(
        Campaign, on_delete=models.PROTECT, related_name="consents", db_constraint=False
    )
    given_at = models.DateTimeField(default=timezone.now)
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-given_at"]
        indexes: ClassVar = [
            models.Index(fields=["recipient", "-given_at"], name="consent_by_number"),
            models.Index(fields=["-given_at"], name="consent_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.recipient}, {self.given_at:%d %b %Y}"
