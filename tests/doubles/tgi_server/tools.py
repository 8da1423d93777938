"""Tool calls as TGI makes them: constrained JSON first, then a call or a second run (D12, D18)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from tests.doubles.tgi_server.errors import RequestError

CALL_ID = "0"


def check_tools(body: Mapping[str, Any]) -> None:
    """What is refused before the template is applied. Raises RequestError."""
    tools = body.get("tools") or []
    if tools and body.get("response_format"):
        raise tool_error("Grammar and tools are mutually exclusive")
    choice = body.get("tool_choice")
    if isinstance(choice, Mapping):
        wanted = (choice.get("function") or {}).get("name")
        if wanted not in {(tool.get("function") or {}).get("name") for tool in tools}:
            raise tool_error(f"Tool with name {wanted} not found")


def tool_error(text: str) -> RequestError:
    return RequestError(422, f"Tool error: {text}", "tool_error")


def planned_call(body: Mapping[str, Any], planned: Mapping[str, Any] | None) -> dict[str, Any]:
    """The call that the plan wants, `{}` where the model answers in words. Raises RequestError."""
    if not planned or not body.get("tools") or planned.get("no_tool"):
        return {}
    if planned.get("truncated"):
        raise tool_error("EOF while parsing a string at line 1 column 20")
    return {"name": planned["tool"], "arguments": json.dumps(planned.get("args", {}))}


def call_message(call: Mapping[str, Any]) -> dict[str, Any]:
    """The message of a reply that is not streamed."""
    function = {"description": None, "name": call["name"], "arguments": call["arguments"]}
    return {
        "role": "assistant",
        "tool_calls": [{"id": CALL_ID, "type": "function", "function": function}],
    }


def call_deltas(call: Mapping[str, Any]) -> Sequence[dict[str, Any]]:
    """The deltas of a stream: the name comes with the opening brace and not again."""
    arguments = str(call["arguments"])
    pieces = [arguments[:1], *(arguments[at : at + 6] for at in range(1, len(arguments), 6))]
    return [
        {
            "role": "assistant",
            "tool_calls": [
                {
                    "index": 0,
                    "id": CALL_ID,
                    "type": "function",
                    "function": {"name": None if n else call["name"], "arguments": piece},
                }
            ],
        }
        for n, piece in enumerate(pieces)
    ]
