from django.urls import path

from sms import views

urlpatterns = [
    path("twilio/inbound", views.inbound, name="twilio-inbound"),
    path("twilio/status/<uuid:message_id>/<int:attempt>", views.status, name="twilio-status"),
]
