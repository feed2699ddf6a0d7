"""MCP: what the runtime says of the call, beside the protocol."""

# Vapi sends the first by itself.
CALL_ID = "X-Call-Id"
CALLER_NUMBER = "X-Caller-Number"
CALLER_NAME = "X-Caller-Name"
LANGUAGE = "X-Call-Language"
