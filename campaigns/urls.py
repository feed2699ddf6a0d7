from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from campaigns.api import api
from campaigns.runtimes import WEBHOOKS
from campaigns.webhooks import webhook


@csrf_exempt
def mcp(request: HttpRequest, connection: str) -> HttpResponse:
    """The MCP endpoint, see campaigns.mcp."""
    # Its SDK takes a second to load, for which a worker or a command that looks at the URLs has no use.
    from campaigns.mcp import endpoint

    return endpoint(request, connection)


urlpatterns = [
    path("c/<connection>/mcp", mcp, name="mcp"),
    path("", api.urls),
    *(path(f"c/<connection>/{runtime}", webhook, {"runtime": runtime}) for runtime in WEBHOOKS),
]
