"""Whether a runtime has found its way in: what the page of a connection says while somebody waits for it."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.timezone import localtime

from campaigns import safeguards
from campaigns.models import Connection, Contact, Fetched, SecretUse, ToolCall
from campaigns.telling import told
from sms import outbox

# The last call is noted after it was decided, which may take as long as it waits; a repeated one has no row.
LOOKED_BACK = timedelta(hours=1)
MARK_CHARACTERS = 12
# A text that is still under way after this is looked at elsewhere.
WATCHED = timedelta(minutes=5)


class Arrival(NamedTuple):
    """What has come so far, in plain words. While it `goes_on`, it is worth asking again."""

    kind: Literal["waiting", "broken", "arrived"]
    title: str
    says: str
    detail: str = ""
    at: datetime | None = None
    goes_on: bool = True
    call: ToolCall | None = None

    @property
    def mark(self) -> str:
        """What changes with it: whoever has seen this need not be told again."""
        said = (self.kind, self.title, self.says, self.detail, self.at, self.call and self.call.pk)
        return hashlib.sha256(repr(said).encode()).hexdigest()[:MARK_CHARACTERS]


def arrival(connection: Connection) -> Arrival:
    """What was last heard from a connection's runtime."""
    contact = Contact.objects.filter(connection=connection).first()
    last = _last(connection, contact)
    if contact and contact.failed_at and not (last and last.at > contact.failed_at):
        return Arrival(
            "broken",
            "A request came, and it was refused",
            contact.mend,
            contact.detail,
            contact.failed_at,
            call=last,
        )
    if connection.keeps_previous and not _has_new_secret(connection):
        return Arrival(
            "waiting",
            "Waiting for the new secret…",
            f"Nothing has come with the one that ends in {connection.secret_end} yet. Until "
            f"{date_format(localtime(connection.previous_until), 'j M, H:i')} the previous one works, too.",
            call=last,
        )
    if last:
        return _arrived(last)
    if contact and contact.called_at:
        says = "Its last call was answered."
        return Arrival("arrived", "Connected", says, at=contact.called_at, goes_on=False)
    if Fetched.objects.filter(connection=connection).exists():
        return Arrival(
            "waiting",
            "Waiting for the first call…",
            "The runtime has asked for its tools: the URL and the secret are right. Now call a tool.",
        )
    return Arrival(
        "waiting",
        "Waiting for the first call…",
        "Nothing has come in by this connection yet. This turns green by itself.",
    )


def _has_new_secret(connection: Connection) -> bool:
    uses = SecretUse.objects.filter(connection=connection, secret_end=connection.secret_end)
    return connection.is_signed or uses.exists()


def _last(connection: Connection, contact: Contact | None) -> ToolCall | None:
    if contact is None or contact.called_at is None:
        # Nothing to look for among all tool calls there are.
        return None
    recent = ToolCall.objects.filter(call__connection=connection, at__gte=contact.called_at - LOOKED_BACK)
    return recent.select_related("call", "message").order_by("-at").first()


def _arrived(last: ToolCall) -> Arrival:
    if last.refusal == safeguards.NO_CALLER_NUMBER.code:
        return Arrival(
            "broken",
            "The call has arrived, without the caller's number",
            "So nobody could be texted. Have the runtime send the number of whoever calls as shown below; "
            "a test in the browser has none.",
            at=last.at,
            call=last,
        )
    if last.message is None:
        return Arrival("arrived", "The call has arrived", last.say, at=last.at, goes_on=False, call=last)
    is_new = timezone.now() - last.at < WATCHED
    goes_on = is_new and last.message.state not in outbox.DECIDED
    return Arrival(
        "arrived", "The call has arrived", told(last.message).say, at=last.at, goes_on=goes_on, call=last
    )
