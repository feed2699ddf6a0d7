from django.urls import path

from campaigns import mcp
from campaigns.api import api
from campaigns.runtimes import WEBHOOKS
from campaigns.webhooks import webhook

urlpatterns = [
    path("c/<connection>/mcp", mcp.endpoint, name="mcp"),
    path("", api.urls),
    *(path(f"c/<connection>/{runtime}", webhook, {"runtime": runtime}) for runtime in WEBHOOKS),
]
