"""Twilio's ConversationRelay, https://www.twilio.com/docs/voice/conversationrelay: there the developer's own
application speaks to the model, and posts its tool calls to us."""

from __future__ import annotations

from campaigns.runtimes import openai
from campaigns.runtimes.guide import LIVE, Block, Guide, Step, Way, asking_tools, tools_block


def guide(way: Way) -> Guide:
    """What the application does with the first message of a call, and with a tool call."""
    return Guide(
        steps=(
            Step(
                "Answer the call with TwiML that connects it to your application's WebSocket, as you do "
                "already.",
                (Block("TwiML", TWIML, "text"),),
            ),
            Step(
                f"Give your model these tools (here in OpenAI's shape). {LIVE}",
                (tools_block(way, openai.definition, "tools"),),
            ),
            Step(
                "Keep the first message of the WebSocket, of the type setup: it says which call it is and "
                "who calls. Answer the model's tool calls with this, and let it say the line.",
                (Block("Python", way.python(APPLICATION), "python", runs=True),),
            ),
        ),
        tries=asking_tools(way)[:1],
    )


TWIML = """\
<Response>
  <Connect>
    <ConversationRelay url="wss://YOUR_APPLICATION/relay" />
  </Connect>
</Response>"""
APPLICATION = """
$client

class Relayed:
    \"\"\"One call, by the `setup` message that begins it.\"\"\"

    def __init__(self, setup):
        self.call_id = setup["callSid"]
        self.caller = setup["to"] if setup["direction"].startswith("outbound") else setup["from"]

    def answered(self, tool_call):
        \"\"\"The message that answers a tool call of the model's. Within asyncio: asyncio.to_thread(…).\"\"\"
        function = tool_call["function"]
        parameters = json.loads(function["arguments"])
        told = fire(function["name"], parameters, self.call_id, self.caller, tool_call["id"])
        return {"role": "tool", "tool_call_id": tool_call["id"], "content": json.dumps(told)}


# As if a call had begun, and the model had called a tool:
now = time.time_ns()
setup = {"type": "setup", "callSid": f"CA-try-{now}", "direction": "inbound", "from": $caller}
call = Relayed(setup)
function = {"name": $tool, "arguments": json.dumps($parameters)}
print(call.answered({"id": f"call_{now}", "type": "function", "function": function}))
"""
