from django.urls import path

from campaigns import mcp
from campaigns.api import api

urlpatterns = [path("c/<connection>/mcp", mcp.endpoint, name="mcp"), path("", api.urls)]
