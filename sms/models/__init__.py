"""Who sends, what is sent, and each text from the promise to the receipt."""

from sms.models.messages import NUMBER_CHARACTERS, Message, MessageEvent, OptOut, Sender, State
from sms.models.profiles import SENDER_CHARACTERS, ProviderName, UserProfile
from sms.models.templates import Sendable, SmsTemplate

__all__ = [
    "NUMBER_CHARACTERS",
    "SENDER_CHARACTERS",
    "Message",
    "MessageEvent",
    "OptOut",
    "ProviderName",
    "SmsTemplate",
    "Sendable",
    "Sender",
    "State",
    "UserProfile",
]
