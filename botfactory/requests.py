"""Django's request handler, without a thread for requests that need none."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Any

from asgiref.sync import SyncToAsync, sync_to_async
from django.core import signals
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import ASGIHandler, get_script_prefix
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import set_script_prefix


@dataclass(slots=True)
class _Answer:
    """What has to be called at the end of a request, however it ends."""

    close: Callable[[], object]


class RequestHandler(ASGIHandler):
    """As its base, but for two things.

    Django tells its signals about each request's beginning and end in a thread that it makes for
    the request, because connections of sync code live there. A request whose door is async all
    through has no such thread and gets none: there is nothing to close. And when the caller leaves
    or the server ends, the door is cancelled and waited for, whatever it was doing.
    """

    async def handle(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            body = await self.read_body(receive)
        except RequestAborted:
            return
        with closing(body):
            set_script_prefix(get_script_prefix(scope))
            signals.request_started.send(sender=self.__class__, scope=scope)
            request, refusal = self.create_request(scope, body)
            if request is None:
                assert refusal is not None  # noqa: S101  (one of the two; narrows the type)
                await self.send_response(refusal, send)
                await _close(refusal.close)
                return
            await self._answer_or_leave(request, receive, send)

    async def _answer_or_leave(self, request: HttpRequest, receive: Any, send: Any) -> None:
        answer = _Answer(partial(signals.request_finished.send, sender=self.__class__))
        answering = asyncio.create_task(self._answer(request, send, answer))
        leaving = asyncio.create_task(receive())
        try:
            await asyncio.wait((answering, leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            leaving.cancel()
            answering.cancel()  # does nothing to what has ended
            await asyncio.wait((answering, leaving))
            # Not part of what a leaving caller cancels: callers leave as soon as they have their
            # answer, and a thread that ended with its connection would take it from the pool.
            await _close(answer.close)
        if not answering.cancelled():
            answering.result()  # raises what went wrong while the body was sent

    async def _answer(self, request: HttpRequest, send: Any, answer: _Answer) -> None:
        response: HttpResponseBase = await self.run_get_response(request)
        answer.close = response.close
        await self.send_response(response, send)


async def _close(close: Callable[[], object]) -> None:
    """Calls `close` where the request's connections are: in its thread if it ever had one."""
    context = SyncToAsync.thread_sensitive_context.get(None)
    if context is not None and context in SyncToAsync.context_to_thread_executor:
        await sync_to_async(close)()
    else:
        close()
