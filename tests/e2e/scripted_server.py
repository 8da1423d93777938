"""A real server whose engine and index are scripted: `python -m tests.e2e.scripted_server SITE...`.

Prints one line of JSON, `{"url", "bots": {"open", "closed"}, "hostile": [id, ...]}`, when it
answers: `open` may stand on the given sites, `closed` on none, `hostile` are called by payloads.
Its engine streams Markdown with citations; to "batch 3" it says a hundred payloads, and cites five.
"""

# ruff: noqa: E402 (models can be imported only after the settings are)

from __future__ import annotations

import asyncio
import json
import os
import re
import socket
import sys
import tempfile
from collections.abc import AsyncGenerator
from unittest import mock

os.environ["BOTFACTORY_DATA_DIR"] = tempfile.mkdtemp(prefix="botfactory-e2e-")
os.environ["ENGINE_MAX_CONCURRENT"] = "1"
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "botfactory.settings")

import django

django.setup()

import uvicorn
from django.core.asgi import get_asgi_application
from django.core.management import call_command

from botfactory.accounts.models import User
from botfactory.accounts.services import create_workspace
from bots.answering import generation, retriever
from bots.engines.base import Delta, EngineEvent, Finished, FinishReason, Prompt
from bots.engines.errors import EngineUnavailable
from bots.knowledge import registry
from bots.knowledge.types import ScoredChunk
from bots.models import Bot
from tests.hostile import payloads
from tests.widget.scripted import ScriptedEngine, chunk

ANSWER = """Orders leave our warehouse **within two days** [1]. Here is how long they take:

| To | Days |
|---|---|
| Europe | 2-4 |
| Elsewhere | 5-9 |

You can also:

- track a parcel with the link in your mail [2],
- or ask [our team](https://help.example.com/).

![tracking](http://127.0.0.1:9/pixel?d=secret)<img src=x onerror=alert(1)>"""
PASSAGES = [
    chunk(
        "# Shipping\n\nWe ship every order within two working days, by post.",
        url="https://docs.example.com/shipping",
        title="Shipping and delivery",
    ),
    chunk(
        "Your mail holds the link to track it.",
        url="javascript:alert(1)",
        title="Tracking <img src=x onerror=alert(1)>",
    ),
]


HOSTILE_NAMES = payloads.ALL[::150]


def payloads_for(question: str) -> tuple[str, ...]:
    """The hundred payloads that this question asks for, without those that end a block of code."""
    if (match := re.search(r"batch (\d+)", question)) is None:
        return ()
    chosen = [text for text in payloads.ALL if "```" not in text and "~~~" not in text]
    step = 7
    return tuple(chosen[int(match[1]) :: step][:100])


def hostile_passages(texts: tuple[str, ...]) -> list[ScoredChunk]:
    return [chunk(f"Passage {n}: {text}", url=text, title=text) for n, text in enumerate(texts[:5])]


class WordyEngine(ScriptedEngine):
    """Says `ANSWER` word by word, stops for ever in the middle of a "slow" question's, and is not
    there for a "lost" one. Writes one answer at a time."""

    async def stream(self, prompt: Prompt) -> AsyncGenerator[EngineEvent, None]:
        if "lost" in prompt.question:
            raise EngineUnavailable
        if texts := payloads_for(prompt.question):
            for text in (*texts, "Cited [1] [2] [3] [4] [5]."):
                yield Delta(f"{text}\n\n")
            yield Finished(FinishReason.STOP)
            return
        for index, word in enumerate(ANSWER.split(" ")):
            if index == 5 and "slow" in prompt.question:
                await asyncio.Event().wait()
            yield Delta(f"{word} ")
            await asyncio.sleep(0.01)
        yield Finished(FinishReason.STOP)


async def search(bot_id: object, query: str, *, limit: int = 8) -> list[ScoredChunk]:
    if texts := payloads_for(query):
        return hostile_passages(texts)
    return PASSAGES if "weather" not in query else []


def main(sites: list[str]) -> None:
    call_command("migrate", interactive=False, verbosity=0)
    owner = User.objects.create_user("owner@example.com", "a long password")
    workspace = create_workspace(name="Acme", owner=owner)
    named = {"workspace": workspace, "name": "Acme helper"}
    is_open = Bot.objects.create(
        **named,
        allowed_sites=sites,
        is_shared=True,
        starter_questions=["How long does shipping take?", "What is <b>new</b>?"],
    )
    is_closed = Bot.objects.create(**named, allowed_sites=[])
    hostile = [
        Bot.objects.create(
            workspace=workspace, name=text[:100], greeting=text[:300] or "-", is_shared=True
        )
        for text in HOSTILE_NAMES
    ]
    engine = WordyEngine()
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    config = uvicorn.Config(get_asgi_application(), log_config=None, lifespan="off")
    bots = {"open": str(is_open.pk), "closed": str(is_closed.pk)}
    registry.warm_up()  # answers are checked by the real model; loading it would hold up the first
    said = {"url": f"http://127.0.0.1:{port}", "bots": bots}
    sys.stdout.write(json.dumps(said | {"hostile": [str(bot.pk) for bot in hostile]}) + "\n")
    sys.stdout.flush()
    with (
        mock.patch.object(generation, "current_engine", return_value=engine),
        mock.patch.object(
            generation, "quoting_engine", return_value=ScriptedEngine(("Quoted [1].",))
        ),
        mock.patch.object(retriever, "search", search),
    ):
        uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main(sys.argv[1:])
