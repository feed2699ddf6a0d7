from django.urls import path

from sms import views

urlpatterns = [
    path("twilio/status/<uuid:message_id>/<int:attempt>", views.status, name="twilio-status"),
]
