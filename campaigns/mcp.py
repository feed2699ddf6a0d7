"""The MCP endpoint of a connection, on the official SDK: both of the protocol's eras at one URL.

https://modelcontextprotocol.io/specification. The SDK speaks ASGI. There are no sessions here, so each
request is one exchange that runs to its end in the thread that took it, and a tool fires in that thread, too,
where its database connection is. Which call it is comes from headers that the runtime sets, never from the
model.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from asgiref.sync import async_to_sync, sync_to_async
from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from mcp_types import (
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    TextContent,
    ToolAnnotations,
)
from mcp_types import Tool as Definition

from campaigns import toolsets
from campaigns.api import ConnectionSecret
from campaigns.doors import MAX_BODY_BYTES, ToolCallRequest, fired, written
from campaigns.firing import Answer
from campaigns.models import Connection, Contact, Failure
from campaigns.problems import Problem, unavailable
from campaigns.runtimes.base import description, number_in_address
from campaigns.runtimes.mcp import CALL_ID, CALLER_NAME, CALLER_NUMBER, LANGUAGE
from campaigns.tools import TRY_AGAIN, Offered

# A tool is the same for every call of a connection until somebody changes the campaign.
LIST_FRESH_MS = 30_000
ANSWER_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "status": {"type": "string", "enum": ["accepted", "refused", "failed", "done"]},
        "say": {"type": "string", "description": "One true line to speak to the caller."},
        "messageId": {"type": ["string", "null"]},
        "code": {"type": "string", "description": "Why it was refused or failed; empty otherwise."},
    },
    "required": ["status", "say", "messageId", "code"],
    "additionalProperties": False,
}
# Of the transport's answers: not this protocol, not its headers, not JSON.
UNREADABLE = (400, 406, 415)
secret_of = ConnectionSecret()


def endpoint(request: HttpRequest, connection: str) -> HttpResponse:
    """One exchange of the protocol, for whoever holds the connection's secret."""
    if request.method != "POST":
        # No streams that the server opens, and no sessions to end.
        return _refused(405, "This endpoint takes POST only.", {"Allow": "POST"})
    try:
        opened = secret_of(request)
    except Problem as problem:
        return _refused(problem.status, str(problem))
    except (OperationalError, InterfaceError) as error:
        down = unavailable(error)
        return _refused(down.status, str(down))
    if opened is None:
        return _refused(
            401,
            "Send this connection's secret as “Authorization: Bearer …”; the campaign makes a new one.",
            {"WWW-Authenticate": 'Bearer realm="Midcall"'},
        )
    answer = async_to_sync(_exchange)(request, Exchange(request, opened).server)
    if answer.status_code in UNREADABLE:
        Contact.note_failure(opened.pk, Failure.BODY)
    return answer


class Exchange:
    """What one request may ask of the SDK's server: a campaign's tools, and to fire them."""

    def __init__(self, request: HttpRequest, opened: Connection) -> None:
        self.request = request
        self.opened = opened
        self.server: Server[Any] = Server(
            "midcall",
            title="Midcall",
            version="1",
            on_list_tools=self.list_tools,
            on_call_tool=self.call_tool,
        )

    async def list_tools(self, context: Any, params: Any) -> ListToolsResult:
        """The campaign's tools, in a stable order."""
        toolset = await sync_to_async(toolsets.handed_out)(self.opened)
        found = [_definition(tool) for tool in toolset.tools.values()]
        return ListToolsResult(tools=found, ttl_ms=LIST_FRESH_MS, cache_scope="private")

    async def call_tool(self, context: Any, params: CallToolRequestParams) -> CallToolResult:
        """Fire a tool, and what the agent is told of it."""
        return await sync_to_async(self._fired)(params.name, params.arguments or {})

    def _fired(self, name: str, arguments: dict[str, Any]) -> CallToolResult:
        try:
            return _told(fired(self.opened, name, self._asked(arguments)))
        except Problem as problem:
            problem.note(self.opened)
            return _broken(str(problem), problem.say)
        except (OperationalError, InterfaceError) as error:
            down = unavailable(error, name)
            return _broken(str(down), down.say)

    def _asked(self, arguments: dict[str, Any]) -> ToolCallRequest:
        """The tool call, in the call that the runtime says it is. Raises Problem."""
        headers, query = self.request.headers, self.request.GET
        call_id = headers.get(CALL_ID) or query.get("call_id", "")
        if not call_id:
            raise Problem(
                422,
                "invalid_request",
                f"Which call is it? Have the runtime send the call's id as the header {CALL_ID}, and the "
                f"caller's number in E.164 as {CALLER_NUMBER}; or, where it sends none, put them into the "
                "URL: ?call_id=…&caller=….",
                failure=Failure.NO_CALL,
            )
        try:
            return ToolCallRequest(
                callId=call_id,
                # The protocol's own id is another one for a request that is made again.
                toolCallId="",
                customerPhoneNumber=headers.get(CALLER_NUMBER) or number_in_address(query.get("caller")),
                customerName=headers.get(CALLER_NAME, ""),
                language=headers.get(LANGUAGE, ""),
                parameters=arguments,
            )
        except ValueError as error:
            # A header that is too long.
            raise Problem(
                422, "invalid_request", f"The call's headers do not fit: {error}", failure=Failure.NO_CALL
            ) from None


def _definition(tool: Offered) -> Definition:
    return Definition(
        name=tool.name,
        title=tool.name.replace("_", " ").replace("-", " ").capitalize(),
        description=description(tool),
        input_schema=tool.parameters,
        output_schema=ANSWER_SCHEMA,
        annotations=ToolAnnotations(
            read_only_hint=False,
            # It takes nothing away, and the same call within a while is one text.
            destructive_hint=False,
            idempotent_hint=True,
            open_world_hint=True,
        ),
    )


def _told(answer: Answer) -> CallToolResult:
    return CallToolResult(content=[TextContent(text=answer.say)], structured_content=written(answer))


def _broken(message: str, say: str = TRY_AGAIN) -> CallToolResult:
    """For the model, which can mend its arguments, and for whoever reads the runtime's log."""
    return CallToolResult(content=[TextContent(text=f"{say} ({message})")], is_error=True)


async def _exchange(request: HttpRequest, server: Server[Any]) -> HttpResponse:
    """A request through the SDK's transport, which is made for one exchange and thrown away."""
    asked = iter([{"type": "http.request", "body": request.body, "more_body": False}])
    start: dict[str, Any] = {}
    parts: list[bytes] = []

    async def receive() -> dict[str, Any]:
        return next(asked, {"type": "http.disconnect"})

    async def send(event: Any) -> None:
        if event["type"] == "http.response.start":
            start.update(event)
        elif event["type"] == "http.response.body":
            parts.append(event.get("body", b""))

    manager = StreamableHTTPSessionManager(
        server,
        json_response=True,
        stateless=True,
        # Voice runtimes are no browsers; a page of another origin has no business here (DNS rebinding).
        security_settings=TransportSecuritySettings(
            enable_dns_rebinding_protection=True,
            allowed_hosts=[request.get_host()],
            allowed_origins=[settings.PUBLIC_URL],
        ),
        max_request_body_size=MAX_BODY_BYTES,
    )
    async with manager.run():
        await manager.handle_request(_scope(request), receive, send)
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in start["headers"]}
    return HttpResponse(b"".join(parts), status=start["status"], headers=headers)


def _scope(request: HttpRequest) -> dict[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": request.scheme,
        "path": request.path,
        "raw_path": request.path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": list(_headers(request)),
        "server": None,
        "client": None,
    }


def _headers(request: HttpRequest) -> Iterable[tuple[bytes, bytes]]:
    # The host as Django has found it to be one of ours.
    for name, value in {**request.headers, "Host": request.get_host()}.items():
        yield name.lower().encode("latin-1"), value.encode("latin-1", "replace")


def _refused(status: int, message: str, headers: dict[str, str] | None = None) -> HttpResponse:
    """A JSON-RPC error without an id: the request was not read."""
    error = {"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": message}}
    return JsonResponse(error, status=status, headers=headers, json_dumps_params={"ensure_ascii": False})
