"""Campaigns, what is attached to them and since when, how runtimes reach them, and what happened there."""

from campaigns.models.allowances import Allowance, TextedNumber
from campaigns.models.attachments import Fetched, ToolAttachment, ToolChange
from campaigns.models.brakes import Alarm, Brake, Notice, Span
from campaigns.models.calls import (
    ID_CHARACTERS,
    LONGEST_CALL,
    RECIPIENT,
    Call,
    CallNumberChanged,
    Consent,
    ToolCall,
)
from campaigns.models.campaigns import Campaign, Revision, reaches
from campaigns.models.connections import Connection
from campaigns.models.contacts import Contact, Failure, SecretUse
from campaigns.models.purges import Purged
from campaigns.models.signatures import SpentSignature

__all__ = [
    "ID_CHARACTERS",
    "LONGEST_CALL",
    "RECIPIENT",
    "Alarm",
    "Allowance",
    "Brake",
    "Call",
    "CallNumberChanged",
    "Campaign",
    "Connection",
    "Consent",
    "Contact",
    "Failure",
    "Fetched",
    "Purged",
    "Notice",
    "Revision",
    "SecretUse",
    "Span",
    "SpentSignature",
    "TextedNumber",
    "ToolAttachment",
    "ToolCall",
    "ToolChange",
    "reaches",
]
