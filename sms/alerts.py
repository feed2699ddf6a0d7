"""Tell people what only they can mend."""

from __future__ import annotations

import logging

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.mail import send_mail

from sms import outbox
from sms.models import Sender
from sms.providers import codes

logger = logging.getLogger(__name__)


def tell_owners_of_held_senders() -> None:
    """Send the owners of an account one e-mail for all of its senders that have come to be held."""
    by_account: dict[str, list[Sender]] = {}
    for sender in outbox.untold():
        by_account.setdefault(sender.account_sid, []).append(sender)
    for account_sid, senders in by_account.items():
        _tell(account_sid, senders)


def _tell(account_sid: str, senders: list[Sender]) -> None:
    if account_sid == settings.ATLAS_ACCOUNT_SID:
        owners = get_user_model().objects.filter(is_superuser=True)
    else:
        owners = get_user_model().objects.filter(sms_profile__twilio_account_sid=account_sid)
    addresses = list(owners.filter(is_active=True).exclude(email="").values_list("email", flat=True))
    if not addresses:
        logger.error("senders of account %s are held, and its owners have no e-mail address", account_sid)
        return
    lines = [
        f"- {sender.address}: {sender.held_because} {codes.meaning(sender.held_code).remedy}"
        for sender in senders
    ]
    body = (
        "Texts from these senders are held back, because the carrier refuses them:\n\n"
        + "\n".join(lines)
        + "\n\nWhat was promised waits for as long as it is worth sending. Midcall tries once a minute "
        "whether it works again; to try at once, and for the details: "
        f"{settings.PUBLIC_URL}/admin/sms/sender/\n"
    )
    try:
        send_mail("Midcall: texts are held back", body, None, addresses)
    except OSError:
        logger.exception("the owners of account %s could not be told", account_sid)
