from __future__ import annotations

import asyncio
import json
from argparse import ArgumentParser
from contextlib import aclosing, nullcontext
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from botfactory.errors import BotFactoryError
from botfactory.instance import own_data_dir
from bots.access import public_bot
from bots.answering.events import Done, Failed, TextDelta
from bots.answering.pipeline import stream_answer
from bots.engines.current import close_engine
from bots.local_server import post_to_server, running_server, short_lived_key
from bots.models import Bot, Conversation
from bots.services import start_conversation


class Command(BaseCommand):
    help = "Ask a bot a question and print its answer with the places it cites."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("bot_id", type=UUID)
        parser.add_argument("question")
        parser.add_argument("--json", action="store_true", help="print JSON for programs")

    def handle(self, *args: Any, **options: Any) -> None:
        is_json = options["json"]
        try:
            bot = public_bot(options["bot_id"])
            url = running_server()
            if url is not None:
                answer = _ask_server(url, bot, options["question"])
                if not is_json:
                    self.stdout.write(answer["text"])
            else:
                answer = self._answer_here(bot, options["question"], show=not is_json)
        except BotFactoryError as exc:
            raise CommandError(exc.public_message) from exc
        if is_json:
            self.stdout.write(json.dumps(answer, ensure_ascii=False))
        else:
            self._show_citations(answer["citations"])

    def _answer_here(self, bot: Bot, question: str, *, show: bool) -> dict[str, Any]:
        conversation = start_conversation(bot=bot, channel=Conversation.Channel.SHELL)
        owned = own_data_dir(settings.BOTFACTORY_DATA_DIR)
        with nullcontext() if settings.QDRANT_URL else owned:
            return asyncio.run(self._stream(bot, conversation, question, show=show))

    async def _stream(
        self, bot: Bot, conversation: Conversation, question: str, *, show: bool
    ) -> dict[str, Any]:
        events = stream_answer(bot=bot, conversation=conversation, question=question)
        try:
            async with aclosing(events):
                async for event in events:
                    match event:
                        case TextDelta() if show:
                            self.stdout.write(event.text, ending="")
                            self.stdout.flush()
                        case Failed():
                            raise event.error
                        case Done():
                            if show:
                                self.stdout.write("")
                            return {"conversation_id": str(conversation.pk), **event.data()}
        finally:
            await close_engine()
        raise BotFactoryError  # stream_answer always ends with Done or Failed

    def _show_citations(self, citations: list[dict[str, Any]]) -> None:
        for citation in citations:
            place = f", page {citation['page']}" if citation["page"] else ""
            self.stdout.write(f"[{citation['n']}] {citation['title']}{place}  {citation['url']}")


def _ask_server(url: str, bot: Bot, question: str) -> dict[str, Any]:
    """The same answer from the server that holds the vectors."""
    with short_lived_key(bot) as secret:
        body = {"message": question}
        reply = asyncio.run(post_to_server(url, f"/api/v1/bots/{bot.pk}/chat/", secret, body))
    message = reply["message"]
    return {
        "conversation_id": reply["conversation_id"],
        "message_id": message["id"],
        "state": message["state"],
        "text": message["text"],
        "answered_by": message["answered_by"],
        "follow_ups": message["follow_ups"],
        "citations": message["citations"],
        "usage": reply["usage"],
        "timings_ms": reply["timings_ms"],
    }
