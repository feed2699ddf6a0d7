from django.urls import path

from campaigns.api import api

urlpatterns = [path("", api.urls)]
