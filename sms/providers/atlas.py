"""Atlas: the platform's own provider. The operator's account in the environment, at a carrier that speaks
Twilio's API; the people who write texts need no account."""

from __future__ import annotations

from django.conf import settings

from sms.models import UserProfile
from sms.providers.base import Credential, NoCredential
from sms.providers.twilio import Twilio


class Atlas(Twilio):
    """Twilio's API with the operator's account."""

    def credentials(self, account_sid: str) -> list[Credential]:
        if not account_sid or account_sid != settings.ATLAS_ACCOUNT_SID:
            return []
        return [_operators()]

    def credential(self, profile: UserProfile | None, account_sid: str) -> Credential:
        if account_sid != settings.ATLAS_ACCOUNT_SID:
            raise NoCredential(
                "The account that this text was promised with is no longer the one in ATLAS_ACCOUNT_SID."
            )
        return _operators()


def _operators() -> Credential:
    return Credential(
        settings.ATLAS_ACCOUNT_SID, settings.ATLAS_AUTH_TOKEN, settings.ATLAS_SECONDARY_AUTH_TOKEN
    )
