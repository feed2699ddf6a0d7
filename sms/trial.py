"""A test of a template: its text to one's own phone, by the way that a text of a call takes.

A person stands in for agent and caller, and is held to the same rules: the variables' own, the cap on
segments, opt-outs, a held sender. A text to one's own phone needs no consent; that it is theirs, they say.
"""

from __future__ import annotations

import uuid
from contextlib import suppress
from datetime import timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils.html import escape
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget, UnfoldBooleanWidget

from sms import doorbell, languages, numbers, outbox, patterns, preview, text
from sms.filling import Filling
from sms.models import (
    CAMPAIGN_CHARACTERS,
    AtlasDay,
    Message,
    OptOut,
    Pause,
    Sender,
    SmsTemplate,
    State,
    Variable,
    is_capped,
)
from sms.models.sendables import MAX_SEND_WITHIN
from sms.outbox import Promise

A_MINUTE = timedelta(minutes=1)
MOST_IN_A_MINUTE = 5
A_DAY = timedelta(days=1)
MOST_IN_A_DAY = 50
MOST_WAITING = 3
WAITING = [State.QUEUED, State.HELD, State.SUBMITTING, State.UNCONFIRMED]

# Kept for fiction (North American Numbering Plan): the demo's carrier takes it.
DEMO_NUMBER = "+13125550123"


class CannotTest(Exception):
    """No test can be sent now; the message says why, and what to do."""


def tests_of(user: Any) -> QuerySet[Message]:
    """The tests that somebody sent, the newest first."""
    return Message.objects.filter(tested_by=user.get_username()).order_by("-created_at")


def obstacle(template: SmsTemplate) -> str:
    """Why no test of it can be sent, in plain words; "" if one can. It need not be switched on."""
    lacking = template.lacks()
    if lacking:
        return lacking
    account_sid, sender = template.owner_profile().account_sid(template.provider), template.effective_sender()
    # That the template itself is paused need keep nobody from trying it out.
    if pause := Pause.against([], account_sid, sender):
        return pause.words
    held = Sender.held(account_sid, sender)
    return f"The carrier refuses the sender, which is held back: {held}" if held else ""


class TrialForm(forms.Form):
    """Whom the test goes to, and what an agent or a call would fill in."""

    number = forms.CharField(
        label="To",
        max_length=40,
        widget=UnfoldAdminTextInputWidget(attrs={"inputmode": "tel", "autocomplete": "tel"}),
        help_text="Your own phone, with + and the country code. The next test goes there, too.",
    )
    is_own = forms.BooleanField(
        label="This is my own phone, or its owner expects the text",
        required=False,
        widget=UnfoldBooleanWidget,
        help_text="Asked once for each number: a test goes out without anybody's consent.",
    )
    language = forms.ChoiceField(label="Language", widget=UnfoldAdminSelectWidget)
    # The message's id: the same test, posted twice, is one text.
    test = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, template: SmsTemplate, user: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.template, self.user = template, user
        self.filling = Filling(template)
        self.variables = self.filling.variables
        last = tests_of(user).values_list("recipient", flat=True).first()
        self.has_tested = settings.DEMO or last is not None
        self.initial = {
            "number": last or (DEMO_NUMBER if settings.DEMO else ""),
            "language": template.language,
            "test": uuid.uuid4(),
            **self.initial,
        }
        language: Any = self.fields["language"]
        language.choices = [(tag, languages.name(tag)) for tag in self.filling.bodies]
        if len(self.filling.bodies) == 1:
            # There is nothing to choose.
            language.widget, language.required = forms.HiddenInput(), False
        for variable in self.variables.values():
            if variable.source in _ASKED:
                self.fields[_field(variable)] = _asked(variable)
                self.initial.setdefault(_field(variable), _example(variable))

    @property
    def asked(self) -> list[forms.BoundField]:
        """The fields for what is filled in."""
        return [self[_field(each)] for each in self.variables.values() if each.source in _ASKED]

    @property
    def asks_whose(self) -> bool:
        """Whether the form shows the question whose phone it is."""
        return not self.has_tested or bool(self.errors.get("is_own"))

    def written(self) -> str:
        """The text as it is typed so far, be it fit to be sent or not."""
        return self.filling.filled(self._language(), self._values())

    def _language(self) -> str:
        typed = str(self["language"].value())
        return typed if typed in self.filling.bodies else self.template.language

    def _values(self) -> dict[str, str]:
        """What the agent and the call would fill in, as a call has it: nothing where there is nothing."""
        typed = {name: self._typed(each) for name, each in self.variables.items() if not each.is_fixed}
        return {name: value for name, value in typed.items() if not text.is_blank(value)}

    def _typed(self, variable: Variable) -> str:
        if variable.source == Variable.Source.CALLER_NUMBER:
            number = self._number()
            return numbers.written(number) if number else ""
        typed = str(self[_field(variable)].value() or "")
        typed = typed if variable.is_asked_for else typed.strip()
        # No value is longer, and whatever is posted shall be filled in quickly.
        return typed[: text.MAX_VALUE_CHARACTERS]

    def _number(self) -> str:
        try:
            return numbers.parse(str(self["number"].value() or ""))
        except numbers.NotANumber:
            return ""

    def clean_number(self) -> str:
        try:
            recipient = numbers.parse(self.cleaned_data["number"])
            numbers.refuse_untextable(recipient)
        except (numbers.NotANumber, numbers.CannotBeTexted) as error:
            raise ValidationError(str(error)) from error
        if OptOut.stands_for(recipient):
            raise ValidationError(
                "This number has opted out, and no text goes to it, not even a test. If it is yours, text "
                "START from it, or have the opt-out lifted under Activity > Opt-outs."
            )
        return recipient

    def clean_language(self) -> str:
        return self.cleaned_data["language"] or self.template.language

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        for variable in self.variables.values():
            value = cleaned.get(_field(variable))
            if value:
                self._refuse(variable, value)
        self._refuse_links()
        recipient = cleaned.get("number")
        if recipient and not cleaned.get("is_own") and not self._has_tested_with(recipient):
            self.add_error("is_own", "You have not sent a test to this number yet: say that it may get one.")
        if not self.errors:
            self._refuse_too_long()
        return cleaned

    def _refuse(self, variable: Variable, value: str) -> None:
        if text.is_blank(value):
            if self.fields[_field(variable)].required:
                self.add_error(
                    _field(variable), "There is nothing to see in it. Write what is to stand there."
                )
            return
        try:
            if variable.source == Variable.Source.CAMPAIGN:
                text.refuse_unsendable(value)
            else:
                variable.refuse(value)
                variable.refuse_link(value)
        except (text.CannotBeFilled, text.CannotBeSent) as error:
            self.add_error(_field(variable), str(error))

    def _refuse_links(self) -> None:
        if self.errors:
            return
        try:
            self.filling.refuse_links(self._language(), self._values())
        except text.HoldsLink as error:
            self.add_error(None, str(error))

    def _has_tested_with(self, recipient: str) -> bool:
        return settings.DEMO or tests_of(self.user).filter(recipient=recipient).exists()

    def _refuse_too_long(self) -> None:
        size, most = text.size(self.written()), self.template.max_segments
        if size.segments > most:
            self.add_error(
                None,
                f"Filled in like this, the text takes {size.segments} segments, and the template allows "
                f"{most}. In a call it would be refused, and the agent told to make it shorter.",
            )

    def send(self) -> uuid.UUID:
        """Promise the test, once however often it is posted; the message's id. Raises CannotTest."""
        body = self.written()
        recipient = self.cleaned_data["number"]
        promise = Promise(
            self.template.terms(self.template.pk, tested_by=self.user.get_username()),
            recipient=recipient,
            country=numbers.country(recipient),
            body=body,
            segments=text.size(body).segments,
            id=self.cleaned_data["test"],
        )
        with transaction.atomic():
            # Whatever one person posts at once is decided one after the other.
            get_user_model().objects.select_for_update(no_key=True).get(pk=self.user.pk)
            first = (
                Message.objects.filter(pk=promise.id).values_list("tested_by", "recipient", "body").first()
            )
            if first == (promise.terms.tested_by, recipient, body):
                return promise.id
            if first:
                # Somebody went back, and sends another one.
                promise.id = uuid.uuid4()
            _refuse_too_many(self.user)
            if is_capped(promise.terms.provider) and not AtlasDay.take(self.template.owner_id):
                raise CannotTest(
                    f"The texts through Atlas of {self.template.owner} are used up for today: "
                    f"{settings.ATLAS_MAX_PER_DAY} is the most, tests are counted. Send it tomorrow (UTC)."
                )
            outbox.accept(promise)
            transaction.on_commit(doorbell.ring, robust=True)
        return promise.id


# Who fills these in is not there in a test: the agent, and the call.
_ASKED = (Variable.Source.AGENT, Variable.Source.CALLER_NAME, Variable.Source.CAMPAIGN)


def _field(variable: Variable) -> str:
    return f"value-{variable.name}"


def _asked(variable: Variable) -> forms.CharField:
    is_campaign = variable.source == Variable.Source.CAMPAIGN
    hints = [f"{variable.get_source_display()}."] if not variable.is_asked_for else []
    hints += [variable.description.strip()] if variable.description.strip() else []
    if variable.pattern and not is_campaign:
        hints.append(f"It must look like {variable.pattern}")
    if variable.default and not is_campaign:
        hints.append(f"Left empty, the text says “{variable.default}”.")
    most = CAMPAIGN_CHARACTERS if is_campaign else variable.max_characters
    return forms.CharField(
        label=variable.words.capitalize(),
        required=is_campaign or not variable.may_be_missing,
        # What is too long is refused in the variable's own words, and not cut off by the browser.
        max_length=most if is_campaign else None,
        # In a call, too, what the agent writes stands there as it is written.
        strip=not variable.is_asked_for,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
        # Pages show help as HTML, and these words are somebody's.
        help_text=escape(" ".join(hints)),
    )


def _example(variable: Variable) -> str:
    """A value that suits the variable's own rules; "" if none is found."""
    for value in (preview.example(variable), variable.pattern and patterns.example(variable.pattern)):
        with suppress(text.CannotBeFilled):
            variable.refuse(value)
            variable.refuse_link(value)
            return value
    return ""


def _refuse_too_many(user: Any) -> None:
    tests = tests_of(user)
    if tests.filter(created_at__gt=Now() - A_MINUTE).count() >= MOST_IN_A_MINUTE:
        raise CannotTest(
            f"You have sent {MOST_IN_A_MINUTE} tests within a minute, which is the most. Wait a minute, and "
            "send it then; what you filled in stands here still."
        )
    if tests.filter(created_at__gt=Now() - A_DAY).count() >= MOST_IN_A_DAY:
        raise CannotTest(
            f"You have sent {MOST_IN_A_DAY} tests within a day, which is the most: each is paid for. Send it "
            "tomorrow; what it would say stands on this page."
        )
    # None waits longer.
    waiting = tests.filter(created_at__gt=Now() - MAX_SEND_WITHIN, state__in=WAITING)
    if waiting.count() >= MOST_WAITING:
        raise CannotTest(
            f"{MOST_WAITING} of your tests have not left yet; their pages say what they wait for. Send this "
            "one once they have."
        )
