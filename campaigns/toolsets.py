"""What a connection's campaign offers as of one revision of the configuration, kept in this process."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass
from functools import cached_property

from campaigns.models import Campaign, Connection, Fetched, SecretUse
from campaigns.tools import Offered, offered

VERSION_CHARACTERS = 12


class UnknownTool(LookupError):
    """The campaign has no tool of that name: it was never attached, or is not any more."""

    say = "I can't send that text message on this line, so nothing was sent."


@dataclass(frozen=True)
class Toolset:
    """All that an agent of a campaign is offered, as of one revision of the configuration."""

    revision: int
    campaign: Campaign
    tools: dict[str, Offered]

    @cached_property
    def version(self) -> str:
        """As version() has it."""
        return version(self.tools.values())

    def named(self, name: str) -> Offered:
        """The tool of that name. Raises UnknownTool."""
        try:
            return self.tools[name]
        except KeyError:
            raise UnknownTool(
                "The connection's campaign has no tool of this name, or no longer. Ask for its tools again."
            ) from None


_toolsets: dict[int, Toolset] = {}
_connections: dict[str, Connection] = {}
MAX_CONNECTIONS_KEPT = 10_000


def opened(slug: str, secret: str) -> Connection | None:
    """The connection of that slug, with its campaign, if the secret is its own; or None."""
    found = Connection.opened(slug, secret)
    if found:
        found.campaign = toolset(found).campaign
        if len(_connections) >= MAX_CONNECTIONS_KEPT:
            _connections.clear()
        _connections[slug] = copy(found)
        _connections[slug].is_kept = True
        SecretUse.note(found.pk, secret)
    return found


def kept(slug: str, secret: str) -> Connection | None:
    """The connection as this process opened it last, if the secret is its own. The database is not asked; it
    is told once a minute that the secret is in use.

    It may have been revoked meanwhile: whoever uses it must compare its revision, as firing does.
    """
    found = _connections.get(slug)
    if found is None or not found.opens_with(secret):
        return None
    SecretUse.note(found.pk, secret)
    return found


def toolset(connection: Connection) -> Toolset:
    """What the connection's campaign offers now.

    Kept in this process for as long as nothing in the configuration has changed: reading it takes longer than
    all else that a caller waits for.
    """
    kept = _toolsets.get(connection.campaign_id)
    if kept is None or kept.revision != connection.revision:
        campaign = Campaign.objects.get(pk=connection.campaign_id)
        found = {tool.name: tool for tool in offered(campaign)}
        kept = _toolsets[connection.campaign_id] = Toolset(connection.revision, campaign, found)
    return kept


def handed_out(connection: Connection) -> Toolset:
    """What the connection's campaign offers now, for its runtime to have; that it has it is remembered."""
    found = toolset(connection)
    Fetched.note(connection, found.version)
    return found


def version(offered: Iterable[Offered]) -> str:
    """What changes whenever an agent would see other tools, in whatever shape it asks for them."""
    seen = [[tool.name, tool.description, tool.parameters] for tool in offered]
    return hashlib.sha256(json.dumps(seen).encode()).hexdigest()[:VERSION_CHARACTERS]


def prompt_version(prompt: str) -> str:
    """What changes whenever an agent would be told something else."""
    return hashlib.sha256(prompt.encode()).hexdigest()[:VERSION_CHARACTERS]
