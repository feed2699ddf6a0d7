"""`celery --app tests.bench.tutorial.tasks worker`."""

from celery import Celery
from django.conf import settings
from twilio.rest import Client

app = Celery("tutorial")
app.config_from_object("django.conf:settings", namespace="CELERY")


@app.task(ignore_result=True)
def send_sms(text_id: int) -> None:
    from tests.bench.tutorial.models import Text

    text = Text.objects.get(pk=text_id)
    client = Client(settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN)
    client.api.base_url = settings.TWILIO_API_URL
    message = client.messages.create(to=text.recipient, from_=text.sender, body=text.body)
    text.sid = message.sid
    text.status = "sent"
    text.save()
