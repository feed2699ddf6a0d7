"""Credentials are verified with the provider before they are stored.

The provider is asked before a page's transaction begins, for Django reads and stores a form in one, and no
transaction waits for a carrier; the form then finds here what was said. If the provider does not say, they
are stored all the same, and it is stated that they are not verified: a carrier that is down for an hour must
not keep anybody from entering what will be right.
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.timesince import timesince
from django.views.decorators.debug import sensitive_variables

from sms import providers
from sms.fields import WrongEncryptionKey
from sms.models import REASON_CHARACTERS, ProviderName, UserProfile
from sms.providers.base import Account, Credential, Unverified, WrongCredential

SECRETS = ("twilio_auth_token", "twilio_secondary_token", "twilio_api_secret")
CREDENTIALS = ("twilio_account_sid", "twilio_api_key", *SECRETS)
# Those of which it can be seen that they are none.
WRITTEN = {"twilio_account_sid", "twilio_api_key"}
VERIFIED = (*CREDENTIALS, "twilio_from")
# What is noted of an account.
NOTED = ("verified_at", "refused_because", "account_name", "account_status", "may_list", "senders")
# Which field of a profile a part of a credential is.
FIELDS = {
    "account_sid": "twilio_account_sid",
    "auth_token": "twilio_auth_token",
    "secondary_token": "twilio_secondary_token",
    "api_key": "twilio_api_key",
    "api_secret": "twilio_api_secret",
}
# What a page shows of an account this long after it was verified is what was found then.
FRESH = timedelta(seconds=60)
# Numbers and Messaging Services: short codes and alphanumeric ids stand in no list of Twilio's.
LISTED = ("+", "MG")
# So many senders are named where one is refused.
MOST_NAMED = 8
MAY_NOT_LIST = (
    "Twilio does not let this key list messages: a text whose answer is lost on the way then stays "
    "“unknown”. Give the key the right to list messages, or send with the Auth Token."
)
KEY_ONLY = (
    "Without the Auth Token nothing that Twilio reports can be verified, so it is not believed: Midcall asks "
    "about each text after some ten minutes instead, and hears of no STOP that somebody texts back."
)


@dataclass(frozen=True, slots=True)
class Checked:
    """What the provider said of credentials as they stand in a form: an account, or what is wrong, or, in
    `unverified`, why it did not say. `is_new` is whether they are others than those stored."""

    is_new: bool
    account: Account | None = None
    wrong: WrongCredential | None = None
    unverified: str = ""

    def note_on(self, profile: UserProfile) -> None:
        """Have a profile, which is stored by whoever asks, remember it."""
        if self.account:
            profile.verified_at, profile.refused_because = timezone.now(), ""
            profile.account_name = self.account.name[:64]
            profile.account_status = self.account.status[:16]
            profile.may_list, profile.senders = self.account.may_list, self.account.senders
        elif self.wrong and not self.is_new:
            forget(profile)
            profile.refused_because = self.refusal
        elif self.is_new:
            forget(profile)

    @property
    def refusal(self) -> str:
        """Why the provider does not accept them; "" if it does, or does not say."""
        return str(self.wrong or "")[:REASON_CHARACTERS]

    def words(self) -> str:
        """What whoever stored them should know, in plain words; "" if all is well."""
        if self.unverified:
            later = "What you entered is stored, but not verified yet: Twilio is asked again each minute."
            return f"{self.unverified} {later}"
        if self.account and not self.account.may_list:
            return MAY_NOT_LIST
        return ""


_checked: ContextVar[Checked | None] = ContextVar("checked", default=None)


def found() -> Checked | None:
    """What was found of the credentials in the form that is being read; None if nobody had to ask."""
    return _checked.get()


@contextmanager
def known(checked: Checked | None) -> Iterator[None]:
    """Within, found() says this."""
    token = _checked.set(checked)
    try:
        yield
    finally:
        _checked.reset(token)


@sensitive_variables("value")
def entered(profile: UserProfile, data: Mapping[str, str]) -> UserProfile:
    """A profile as it would be with what a form says, by the names of its own fields. It is never stored.

    A secret that is left blank stays as it is stored.
    """
    draft = copy.copy(profile)
    for name in VERIFIED:
        value = str(data.get(name, "")).strip()
        if value or (name in data and name not in SECRETS):
            setattr(draft, name, value or None if name in SECRETS else value)
    return draft


def differs(stored: UserProfile, draft: UserProfile, names: Iterable[str] = VERIFIED) -> bool:
    """Whether a draft has something that is to be verified, and was not before."""
    return any(getattr(draft, name) != getattr(stored, name) for name in names)


def check(stored: UserProfile, draft: UserProfile) -> Checked | None:
    """What the provider says of a draft of a profile; None if it cannot be asked with it."""
    try:
        draft.clean_fields(exclude={field.name for field in UserProfile._meta.fields} - WRITTEN)
    except ValidationError:
        return None
    if not draft.has_credentials:
        return None
    is_new = differs(stored, draft, CREDENTIALS)
    credential = Credential.of(draft)
    if draft.twilio_secondary_token == stored.twilio_secondary_token:
        # One that Twilio has meanwhile promoted or dropped is in nobody's way.
        credential = replace(credential, secondary_token=None)
    return asked(ProviderName.TWILIO, credential, is_new)


def asked(provider: ProviderName, credential: Credential, is_new: bool = False) -> Checked:
    """What a provider says of a credential."""
    try:
        return Checked(is_new, account=asyncio.run(providers.get(provider).verify(credential)))
    except WrongCredential as error:
        return Checked(is_new, wrong=error)
    except WrongEncryptionKey as error:
        return Checked(is_new, wrong=WrongCredential("auth_token", str(error)))
    except Unverified as error:
        return Checked(is_new, unverified=str(error))


def catch_up() -> int:
    """Ask again about credentials that were stored while the provider did not answer. How many are verified
    now; those that somebody changes meanwhile are theirs to verify. Of others it is noted why they are not
    accepted, and they are asked about again: an account may be mended at the provider."""
    verified = 0
    for profile in UserProfile.objects.filter(verified_at=None).exclude(twilio_account_sid=""):
        checked = check(profile, profile)
        is_news = checked and (checked.account or checked.refusal not in ("", profile.refused_because))
        if checked and is_news and note(profile, checked):
            verified += bool(checked.account)
    return verified


def note(profile: UserProfile, checked: Checked) -> bool:
    """Store what was said of a profile's credentials as they are stored. False if they are others by now."""
    with transaction.atomic():
        stored = UserProfile.objects.select_for_update().get(pk=profile.pk)
        if differs(stored, profile):
            return False
        checked.note_on(stored)
        stored.save(update_fields=NOTED)
    return True


def forget(profile: UserProfile) -> None:
    """Have a profile hold nothing that was said of other credentials."""
    profile.verified_at = profile.may_list = profile.senders = None
    profile.refused_because = profile.account_name = profile.account_status = ""


def is_fresh(profile: UserProfile) -> bool:
    """Whether what is stored of the account was found just now."""
    return profile.verified_at is not None and timezone.now() - profile.verified_at < FRESH


def is_foreign(sender: str, senders: Mapping[str, str] | None) -> bool:
    """Whether a sender is none of an account's, whose senders are given; not if these are not known."""
    return senders is not None and sender.startswith(LISTED) and sender not in senders


def refuse_foreign(sender: str, senders: Mapping[str, str] | None, mend: str = "") -> None:
    """Raises ValidationError for a sender that the account does not have, naming those that it has; nothing
    is refused where these are not known."""
    if senders is None or not is_foreign(sender, senders):
        return
    names = [words for _, words in listed(senders)]
    left = len(names) - MOST_NAMED
    has = ", ".join(names[:MOST_NAMED]) + (f" and {left} more" if left > 0 else "")
    raise ValidationError(
        f"The account cannot text from {sender}. It can from: {has or 'nothing yet'}.{mend}", code="foreign"
    )


def listed(senders: Mapping[str, str]) -> list[tuple[str, str]]:
    """Senders as people choose from them, each with its name: Messaging Services first."""
    found = [(address, named(address, label)) for address, label in senders.items()]
    return sorted(found, key=lambda each: (not each[0].startswith("MG"), each[1].casefold()))


def named(address: str, label: str) -> str:
    """A sender with what people call it."""
    if address.startswith("MG"):
        return f"{label or 'Messaging Service'} ({address})"
    # Most numbers are called by nothing but their digits.
    digits = "".join(filter(str.isdigit, label))
    return address if not label or (digits and digits in address) else f"{address} ({label})"


def when(profile: UserProfile) -> str:
    """When the stored credentials were verified: "verified 3 days ago"."""
    if profile.verified_at is None:
        return "not accepted by Twilio" if profile.refused_because else "not verified yet"
    return f"verified {ago(profile.verified_at)}"


def ago(moment: datetime) -> str:
    """How long ago a moment was: "3 days ago"."""
    since = timesince(moment, depth=1)
    return "just now" if since.startswith("0") else f"{since} ago".replace("\xa0", " ")
