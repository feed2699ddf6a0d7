"""Webhooks of the providers."""

from __future__ import annotations

import logging
from uuid import UUID

from django.conf import settings
from django.core.exceptions import BadRequest, SuspiciousOperation
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from sms import outbox, providers, suppression
from sms.fields import WrongEncryptionKey
from sms.models import Message, OptOut, ProviderName
from sms.providers.base import Credential, NoCredential, Provider, Wish

logger = logging.getLogger(__name__)

# A webhook has some ten short fields, and an inbound one a text.
MAX_BODY_BYTES = 32 * 1024
MAX_ATTEMPT = 32_767
NO_REPLY = '<?xml version="1.0" encoding="UTF-8"?><Response/>'


@csrf_exempt
@require_POST
def status(request: HttpRequest, message_id: UUID, attempt: int) -> HttpResponse:
    """A carrier reports on a message.

    204 if it was noted; 403, whatever is wrong, for one that the message's own account has not signed; 400
    for one that was signed and cannot be read.
    """
    if not _readable(request) or attempt > MAX_ATTEMPT:
        return HttpResponseForbidden()
    message = Message.objects.select_related("profile").filter(pk=message_id).first()
    if message is None:
        return HttpResponseForbidden()
    provider = providers.get(message.provider)
    try:
        credentials = [provider.credential(message.profile, message.account_sid)]
    except NoCredential as error:
        logger.error("a receipt for message %s cannot be verified: %s", message.pk, error)
        return HttpResponseForbidden()
    if not credentials[0].signing_tokens():
        logger.error("a receipt for message %s cannot be verified: only an API key is stored", message.pk)
        return HttpResponseForbidden()
    if request.POST.get("AccountSid") != message.account_sid or not _signed(request, provider, credentials):
        logger.warning("a receipt for message %s has a wrong signature", message.pk)
        return HttpResponseForbidden()
    try:
        report = provider.receipt(request.POST.dict())
    except ValueError:
        return HttpResponse(status=400)
    outbox.receipt(message, attempt, report)
    return HttpResponse(status=204)


@csrf_exempt
@require_POST
def inbound(request: HttpRequest) -> HttpResponse:
    """Somebody texts one of our senders: STOP and START count, whatever sender they go to.

    200 with nothing to reply; 403 for what no account of ours has signed; 400 for what cannot be read.
    """
    if not _readable(request):
        return HttpResponseForbidden()
    account_sid = request.POST.get("AccountSid", "")
    for name in ProviderName:
        provider = providers.get(name)
        if _signed(request, provider, provider.credentials(account_sid)):
            break
    else:
        logger.warning("an inbound text has a wrong signature")
        return HttpResponseForbidden()
    try:
        received = provider.inbound(request.POST.dict())
    except ValueError:
        return HttpResponse(status=400)
    if received.wish is Wish.STOP:
        outbox.opt_out(received.sender, OptOut.Source.KEYWORD, received.body)
    elif received.wish is Wish.START:
        # The id in it, because a signature holds for ever: a START that comes again lifts no later STOP.
        ends = f" ({request.POST.get('MessageSid', '')[:34]})."
        known = OptOut.objects.filter(recipient__in=suppression.known_as(received.sender))
        if not known.filter(lifted_because__endswith=ends).exists():
            outbox.opt_in(received.sender, f"They texted “{received.body[:40]}”{ends}")
    return HttpResponse(NO_REPLY, content_type="text/xml")


def _readable(request: HttpRequest) -> bool:
    """Whether the body can be a webhook's. Asked before anything is looked up, so that what cannot be read
    tells nobody which messages there are."""
    try:
        return int(request.META.get("CONTENT_LENGTH") or 0) <= MAX_BODY_BYTES and bool(request.POST)
    except (SuspiciousOperation, BadRequest, MultiPartParserError, UnreadablePostError, ValueError):
        return False


def _signed(request: HttpRequest, provider: Provider, credentials: list[Credential]) -> bool:
    # Signed is the address that we handed out, not the one that a proxy made of it.
    url = settings.PUBLIC_URL + request.get_full_path()
    signature = request.headers.get("X-Twilio-Signature", "")
    params = request.POST.dict()
    for credential in credentials:
        try:
            if provider.is_authentic(url, params, signature, credential):
                return True
        except WrongEncryptionKey as error:
            logger.error("a webhook of account %s cannot be verified: %s", credential.account_sid, error)
    return False
