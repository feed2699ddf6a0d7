"""Runtimes' ways into a campaign."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import timedelta
from typing import Any, ClassVar

from django.conf import settings
from django.db import InterfaceError, OperationalError, models
from django.db import connection as database
from django.db.models import Subquery, Value
from django.utils import timezone

from builder import patience
from campaigns.models.campaigns import Campaign, Revision
from campaigns.models.contacts import Contact, Failure
from sms.fields import SecretField
from sms.tracked import tracked


@tracked(
    part_of="campaign",
    secrets={
        "secret_hash": "secret",
        "signing_secret": "signing secret",
        "secondary_signing_secret": "secondary signing secret",
    },
    without=("secret_end", "previous_secret_hash", "previous_secret_end"),
)
class Connection(models.Model):
    """One runtime's way into a campaign: a URL and a secret, of which only a hash is kept."""

    class Runtime(models.TextChoices):
        HTTP = "http", "HTTP (any runtime)"
        MCP = "mcp", "MCP (any client)"
        VAPI = "vapi", "Vapi"
        RETELL = "retell", "Retell"
        ELEVENLABS = "elevenlabs", "ElevenLabs"
        BLAND = "bland", "Bland"
        JAMBONZ = "jambonz", "jambonz"
        TELNYX = "telnyx", "Telnyx"
        LIVEKIT = "livekit", "LiveKit Agents"
        PIPECAT = "pipecat", "Pipecat"
        CONVERSATION_RELAY = "twilio", "Twilio ConversationRelay"
        OPENAI = "openai", "OpenAI Chat Completions"
        OPENAI_RESPONSES = "openai-responses", "OpenAI Responses"
        OPENAI_REALTIME = "openai-realtime", "OpenAI Realtime"
        ANTHROPIC = "anthropic", "Anthropic"
        GEMINI = "gemini", "Gemini"

    SLUG_CHARACTERS: ClassVar[int] = 12

    # In the URL; it names, it does not authorise.
    slug = models.SlugField(max_length=24, unique=True, editable=False)
    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="connections")
    name = models.CharField(max_length=100, help_text="Which agent or system this is for.")
    runtime = models.CharField(max_length=16, choices=Runtime.choices, default=Runtime.HTTP)
    secret_hash = models.CharField(max_length=64, editable=False)
    secret_end = models.CharField(max_length=4, editable=False)
    # While a secret is replaced, the one before works as well, for a time.
    previous_secret_hash = models.CharField(max_length=64, default="", db_default="", editable=False)
    previous_secret_end = models.CharField(max_length=4, default="", db_default="", editable=False)
    previous_until = models.DateTimeField("previous secret works until", null=True, editable=False)
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
    # Whether it was opened() by its own secret, though its runtime's requests have to be signed.
    must_sign = False

    class Meta:
        ordering: ClassVar = ["-created_at"]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: object, **kwargs: object) -> None:
        self.slug = self.slug or self.new_slug()
        super().save(*args, **kwargs)  # type: ignore[arg-type]

    @classmethod
    def new_slug(cls) -> str:
        """One that nothing else has."""
        return secrets.token_hex(cls.SLUG_CHARACTERS // 2)

    @classmethod
    def opened(cls, slug: str, secret: str) -> Connection | None:
        """The connection of that slug if the secret is its own, with the configuration's revision; or None,
        which its contact remembers.

        Its campaign is not loaded: campaigns.toolsets.toolset() keeps it.
        """
        if not slug.isprintable():
            return None
        try:
            row = cls._row(slug)
        except (OperationalError, InterfaceError):
            if database.in_atomic_block or not patience.died(database):
                raise
            database.close()
            row = cls._row(slug)
        if row is None:
            return None
        names = ("id", "campaign_id", "secret_hash", "previous_secret_hash", "previous_until", "revoked_at")
        found = cls(slug=slug, **dict(zip(names, row, strict=False)))
        found.revision, found.must_sign = row[6] or 0, row[7]
        found._state.adding = False
        if found.opens_with(secret):
            return found
        Contact.note_failure(found.pk, found.why_not(secret))
        return None

    @classmethod
    def reached(cls, slug: str, runtime: str) -> Connection | None:
        """The connection of that slug for a runtime's own webhook, which has to prove itself yet; or None,
        which its contact remembers.

        With the configuration's revision, as opened() has it.
        """
        if not slug.isprintable():
            return None
        revision = Subquery(Revision.objects.values("number")[:1])
        found = cls.objects.annotate(as_of=revision).filter(slug=slug).first()
        if found is None:
            return None
        is_meant = found.runtime in (runtime, cls.Runtime.HTTP)
        if found.revoked_at or not is_meant:
            Contact.note_failure(found.pk, Failure.REVOKED if found.revoked_at else Failure.WRONG_RUNTIME)
            return None
        found.revision = getattr(found, "as_of", None) or 0
        return found

    @staticmethod
    def _row(slug: str) -> tuple[Any, ...] | None:
        with database.cursor() as cursor:
            cursor.execute(
                """
                SELECT id, campaign_id, secret_hash, previous_secret_hash, previous_until, revoked_at,
                    (SELECT number FROM campaigns_revision LIMIT 1),
                    signing_secret IS NOT NULL OR signing <> '{}'
                FROM campaigns_connection WHERE slug = %s
                """,
                [slug],
            )
            row: tuple[Any, ...] | None = cursor.fetchone()
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

    def rotate(self, overlap: timedelta) -> str | None:
        """Make a new secret and return it; the one until now works on for so long. None, with nothing
        changed, if it was replaced or the connection revoked meanwhile."""
        before_hash, before_end = self.secret_hash, self.secret_end
        secret = self.issue_secret()
        # Kept without an overlap, too: whoever still uses it is told that it was replaced.
        self.previous_secret_hash, self.previous_secret_end = before_hash, before_end
        self.previous_until = timezone.now() + overlap if overlap else None
        names = (
            "secret_hash", "secret_end", "previous_secret_hash", "previous_secret_end", "previous_until"
        )  # fmt: skip
        unchanged = Connection.objects.filter(pk=self.pk, secret_hash=before_hash, revoked_at=None)
        return secret if unchanged.update(**{name: getattr(self, name) for name in names}) else None

    def end_previous(self) -> bool:
        """Stop the previous secret now; whether one still worked."""
        kept = Connection.objects.filter(pk=self.pk, previous_until__isnull=False)
        return bool(kept.update(previous_until=None))

    @property
    def keeps_previous(self) -> bool:
        """Whether the previous secret still opens it."""
        return self.previous_until is not None and timezone.now() < self.previous_until

    def signing_secrets(self) -> list[str]:
        """What the vendor may sign with: none if it does not. Raises WrongEncryptionKey."""
        stored = (self.signing_secret, self.secondary_signing_secret)
        return [secret.reveal() for secret in stored if secret]

    @property
    def is_signed(self) -> bool:
        """Whether requests must be signed; else the connection's own secret opens it."""
        return bool(self.signing_secret or self.signing)

    def sign_with(self, secret: str, keeps_previous: bool) -> None:
        """Demand signatures with a secret, and for a while with the one before; without one, with those that
        are stored."""
        if not keeps_previous:
            self.secondary_signing_secret = None  # type: ignore[assignment]
        elif secret and self.signing_secret:
            self.secondary_signing_secret = self.signing_secret.reveal()
        if secret:
            self.signing_secret = secret  # type: ignore[assignment]
        self._save_signing()

    def stop_signing(self) -> None:
        """From now on, the connection's own secret opens it."""
        self.signing_secret = self.secondary_signing_secret = None  # type: ignore[assignment]
        self.signing = {}
        self._save_signing()

    def _save_signing(self) -> None:
        # Nothing else: somebody may have revoked it since it was read.
        self.save(update_fields=["signing_secret", "secondary_signing_secret", "signing"])

    def revoke(self) -> None:
        """Close this way in for good. What came in by it stays on record."""
        self.revoked_at = timezone.now()
        self.save(update_fields=["revoked_at"])

    def opens_with(self, secret: str) -> bool:
        """Whether a bearer secret is this connection's, or its previous one that still works, in constant
        time."""
        hashed = _hashed(secret)
        is_current = hmac.compare_digest(hashed, self.secret_hash)
        is_previous = hmac.compare_digest(hashed, self.previous_secret_hash) and self.keeps_previous
        return self.revoked_at is None and (is_current or is_previous)

    def why_not(self, secret: str) -> Failure:
        """Why a secret does not open it."""
        if self.revoked_at is not None:
            return Failure.REVOKED
        if not secret:
            return Failure.NO_SECRET
        if hmac.compare_digest(_hashed(secret), self.previous_secret_hash):
            return Failure.OLD_SECRET
        return Failure.WRONG_SECRET


def _hashed(secret: str) -> str:
    # The secret is 256 random bits: a slow password hash would add delay to a call and no safety.
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
