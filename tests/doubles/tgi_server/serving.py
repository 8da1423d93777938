"""What every handler of the double works with."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from tests.doubles.tgi_server.config import Config
from tests.doubles.tgi_server.errors import template_error
from tests.doubles.tgi_server.generation import Scheduler
from tests.doubles.tgi_server.plans import Plan
from tests.doubles.tgi_server.state import Record, State


class Double:
    """One running double."""

    def __init__(self, config: Config, state: State) -> None:
        self.config = config
        self.state = state
        self.scheduler = Scheduler(config, state)
        # Before 2.1.0 there was no space after the colon.
        self.prefix = b"data: " if config.at_least(2, 1, 0) else b"data:"

    async def plan_for(self, prompt: str) -> Plan:
        plan = self.state.script.choose(prompt)
        if plan.hang:
            await asyncio.Event().wait()
        return plan

    def template(self, messages: list[Mapping[str, Any]]) -> str:
        """The prompt of a conversation. Raises RequestError."""
        if not self.config.chat_template:
            raise template_error("template not found")
        parts = [self.config.bos]
        for message in messages:
            if message["role"] == "system" and self.config.refuse_system_role:
                raise template_error("System role not supported")
            parts.append(f"<|{message['role']}|>\n{_text_of(message)}</s>\n")
        return "".join([*parts, "<|assistant|>\n"])


@dataclass(frozen=True, slots=True)
class Call:
    """One request on its way through a handler; `body` is its parsed JSON."""

    double: Double
    request: web.Request
    record: Record
    body: Any


def planned_reply(plan: Plan) -> web.Response | None:
    """The whole reply that a plan puts in place of generation, if it does."""
    if plan.status is None:
        return None
    return web.Response(status=plan.status, body=plan.body.encode(), headers=plan.headers)


def _text_of(message: Mapping[str, Any]) -> str:
    content = message.get("content")
    if isinstance(content, list):
        return "".join(part.get("text", "") for part in content)
    return content or ""
