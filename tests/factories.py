"""One factory a model, with values that a person understands."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import timedelta

import factory
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from factory.django import DjangoModelFactory

from builder.models import SmsAction, Topic
from campaigns.models import Campaign, Connection, ToolAttachment
from sms import outbox
from sms.models import Message, OnDoubt, Sender, SmsTemplate, Translation, UserProfile, Variable
from sms.terms import Terms

ACCOUNT_SID = "AC" + "0123456789abcdef" * 2
AUTH_TOKEN = "fedcba9876543210" * 2
CALLER = "+14155550123"
SECRET = "mc_of_a_test_and_long_enough_to_be_one"
TERMS = Terms(
    tool="booking_confirmation",
    template=None,
    provider="twilio",
    profile=None,
    account_sid=ACCOUNT_SID,
    sender="+13125550142",
    send_within=timedelta(minutes=15),
    on_doubt=OnDoubt.RESEND.value,
)


class ProfileFactory(DjangoModelFactory):
    class Meta:
        model = UserProfile

    twilio_account_sid = ACCOUNT_SID
    twilio_auth_token = AUTH_TOKEN
    twilio_from = "+13125550142"


class UserFactory(DjangoModelFactory):
    class Meta:
        model = get_user_model()
        skip_postgeneration_save = True

    username = factory.Sequence("user{}".format)
    profile = factory.RelatedFactory(ProfileFactory, factory_related_name="user")

    @factory.post_generation
    def role(user, create, name, **kwargs):  # noqa: N805
        """One of the roles, which lets somebody log in."""
        if name:
            user.groups.add(Group.objects.get(name=name))
            user.is_staff = True
            user.save()


class TemplateFactory(DjangoModelFactory):
    class Meta:
        model = SmsTemplate

    name = factory.Sequence("template_{}".format)
    description = "Use this to send the booking after the caller agreed to a time."
    body = "Your table for {{ guests }} is booked for {{ day }}."
    owner = factory.SubFactory(UserFactory)


class VariableFactory(DjangoModelFactory):
    class Meta:
        model = Variable

    template = factory.SubFactory(TemplateFactory)
    name = "day"


class TranslationFactory(DjangoModelFactory):
    class Meta:
        model = Translation

    template = factory.SubFactory(TemplateFactory)
    language = "es"
    body = "Su mesa para {{ guests }} está reservada para el {{ day }}."


class ActionFactory(DjangoModelFactory):
    class Meta:
        model = SmsAction

    name = factory.Sequence("action_{}".format)
    description = "Use this when the caller asks for something in writing."
    owner = factory.SubFactory(UserFactory)


class TopicFactory(DjangoModelFactory):
    class Meta:
        model = Topic

    name = factory.Sequence("Topic {}".format)
    owner = factory.SubFactory(UserFactory)


class CampaignFactory(DjangoModelFactory):
    class Meta:
        model = Campaign

    name = factory.Sequence("Campaign {}".format)
    owner = factory.SubFactory(UserFactory)


class AttachmentFactory(DjangoModelFactory):
    class Meta:
        model = ToolAttachment

    campaign = factory.SubFactory(CampaignFactory)
    action = factory.SubFactory(ActionFactory)


class ConnectionFactory(DjangoModelFactory):
    class Meta:
        model = Connection

    name = "A voice agent"
    campaign = factory.SubFactory(CampaignFactory)

    @classmethod
    def _create(cls, model_class, *args, **kwargs):
        connection = model_class(**kwargs)
        connection.issue_secret(SECRET)
        connection.save()
        return connection


class PromiseFactory(factory.Factory):
    """A text that is about to be promised; takes the fields of its terms, too."""

    class Meta:
        model = outbox.Promise

    recipient = CALLER
    country = ""
    body = factory.Sequence("Your table is booked, number {}.".format)
    segments = 1

    @classmethod
    def _create(cls, model_class, *args, **kwargs):
        agreed = {field.name for field in fields(Terms)} & set(kwargs)
        return model_class(replace(TERMS, **{name: kwargs.pop(name) for name in agreed}), **kwargs)


class MessageFactory(DjangoModelFactory):
    """A promised text, as from a tool call; `state` and the like are what became of it since."""

    class Meta:
        model = Message

    profile = factory.SubFactory(ProfileFactory, user=factory.SubFactory(UserFactory, profile=None))

    @classmethod
    def _build(cls, model_class, *args, **kwargs):
        return model_class(**kwargs)

    @classmethod
    def _create(cls, model_class, *args, **kwargs):
        known = (*fields(Terms), *fields(outbox.Promise))
        promised = {field.name for field in known} & set(kwargs)
        promise = PromiseFactory(**{name: _key(kwargs.pop(name)) for name in promised})
        outbox.accept(promise)
        if kwargs:
            Message.objects.filter(pk=promise.id).update(**kwargs)
        # Faster than a number's usual one a second, so that batches need not wait.
        Sender.objects.filter(address=promise.terms.sender).update(messages_per_second=1000)
        return Message.objects.get(pk=promise.id)


def _key(value):
    return getattr(value, "pk", value)
