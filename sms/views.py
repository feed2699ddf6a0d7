"""Webhooks of the providers."""

from __future__ import annotations

import logging
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from sms import outbox, providers
from sms.fields import WrongEncryptionKey
from sms.models import Message
from sms.providers.base import Rejected

logger = logging.getLogger(__name__)

# A status webhook has some ten short fields.
MAX_BODY_BYTES = 16 * 1024
MAX_ATTEMPT = 32_767


@csrf_exempt
@require_POST
def status(request: HttpRequest, message_id: UUID, attempt: int) -> HttpResponse:
    """A carrier reports on a message.

    204 if it was noted; 403, whatever is wrong, for one that the message's own account has not signed; 400
    for one that was signed and cannot be read.
    """
    if int(request.META.get("CONTENT_LENGTH") or 0) > MAX_BODY_BYTES or attempt > MAX_ATTEMPT:
        return HttpResponseForbidden()
    message = Message.objects.select_related("profile").filter(pk=message_id).first()
    if message is None:
        return HttpResponseForbidden()
    provider = providers.get(message.provider)
    # Signed is the address that we handed out, not the one that a proxy made of it.
    url = settings.PUBLIC_URL + request.get_full_path()
    params = request.POST.dict()
    try:
        authentic = provider.is_authentic(
            url, params, request.headers.get("X-Twilio-Signature", ""), provider.credential(message)
        )
    except (Rejected, WrongEncryptionKey) as error:
        logger.error("a receipt for message %s cannot be verified: %s", message.pk, error)
        return HttpResponseForbidden()
    if not authentic or params.get("AccountSid") != message.account_sid:
        logger.warning("a receipt for message %s has a wrong signature", message.pk)
        return HttpResponseForbidden()
    try:
        report = provider.receipt(params)
    except ValueError:
        return HttpResponse(status=400)
    outbox.receipt(message, attempt, report)
    return HttpResponse(status=204)
