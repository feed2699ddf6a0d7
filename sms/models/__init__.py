"""Who sends, what is sent, and each text from the promise to the receipt."""

from sms.models.messages import (
    FORGOTTEN,
    NUMBER_CHARACTERS,
    Claimed,
    Forgotten,
    Message,
    MessageEvent,
    OptOut,
    Sender,
    State,
)
from sms.models.pauses import Pause, SwitchedOff
from sms.models.platform import AtlasCheck, AtlasDay, is_capped
from sms.models.profiles import REASON_CHARACTERS, SENDER_CHARACTERS, ProviderName, UserProfile
from sms.models.sendables import OnDoubt, Sendable, Wait
from sms.models.templates import MAX_TRANSLATIONS, MAX_VARIABLES, SmsTemplate, Translation
from sms.models.users import GroupPermission as GroupPermission
from sms.models.variables import CAMPAIGN_CHARACTERS, Variable

__all__ = [
    "AtlasCheck",
    "AtlasDay",
    "CAMPAIGN_CHARACTERS",
    "FORGOTTEN",
    "MAX_TRANSLATIONS",
    "MAX_VARIABLES",
    "NUMBER_CHARACTERS",
    "REASON_CHARACTERS",
    "SENDER_CHARACTERS",
    "Claimed",
    "Forgotten",
    "Message",
    "MessageEvent",
    "OnDoubt",
    "OptOut",
    "Pause",
    "ProviderName",
    "SmsTemplate",
    "Sendable",
    "Sender",
    "State",
    "SwitchedOff",
    "Translation",
    "UserProfile",
    "Variable",
    "Wait",
    "is_capped",
]
