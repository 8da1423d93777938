"""A real server whose engine and index are scripted: `python -m tests.e2e.scripted_server SITE...`.

Prints one line of JSON, `{"url", "bots": {"open", "closed"}}`, when it answers: `open` may stand on the
given sites, `closed` on none. Its engine streams Markdown with citations, slowly where it is asked to.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
import tempfile

os.environ["BOTFACTORY_DATA_DIR"] = tempfile.mkdtemp(prefix="botfactory-e2e-")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "botfactory.settings")

import django

django.setup()

import uvicorn
from django.core.asgi import get_asgi_application
from django.core.management import call_command

from botfactory.accounts.models import User
from botfactory.accounts.services import create_workspace
from bots.answering import pipeline, retriever
from bots.knowledge.types import ScoredChunk
from bots.models import Bot
from tests.widget.conftest import ScriptedEngine, chunk

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
    chunk("Your mail holds the link to track it.", url="javascript:alert(1)", title="Tracking"),
]


class SlowEngine(ScriptedEngine):
    """Streams word by word; a question with "slow" in it takes for ever after the first words."""

    async def stream(self, prompt):  # type: ignore[no-untyped-def]
        self.answer = ANSWER.split(" ")
        words = 0
        async for event in super().stream(prompt):
            words += 1
            if "slow" in prompt.question and words > 5:
                await asyncio.Event().wait()
            if hasattr(event, "text"):
                event = type(event)(event.text + " ")
            yield event
            await asyncio.sleep(0.01)


async def search(bot_id: object, query: str, *, limit: int = 8) -> list[ScoredChunk]:
    return PASSAGES if "weather" not in query else []


def main(sites: list[str]) -> None:
    call_command("migrate", interactive=False, verbosity=0)
    owner = User.objects.create_user("owner@example.com", "a long password")
    workspace = create_workspace(name="Acme", owner=owner)
    named = {"workspace": workspace, "name": "Acme helper"}
    is_open = Bot.objects.create(**named, allowed_sites=sites, is_shared=True)
    is_closed = Bot.objects.create(**named, allowed_sites=[])
    engine = SlowEngine()
    pipeline.current_engine = lambda: engine
    retriever.search = search
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    config = uvicorn.Config(get_asgi_application(), log_config=None, lifespan="off")
    bots = {"open": str(is_open.pk), "closed": str(is_closed.pk)}
    sys.stdout.write(json.dumps({"url": f"http://127.0.0.1:{port}", "bots": bots}) + "\n")
    sys.stdout.flush()
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main(sys.argv[1:])
