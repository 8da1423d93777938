from __future__ import annotations

import asyncio
import json
from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from botfactory.errors import BotFactoryError
from botfactory.instance import own_data_dir
from bots.access import public_bot
from bots.answering import retriever
from bots.api.views import search_result
from bots.local_server import post_to_server, running_server, short_lived_key
from bots.models import Bot


class Command(BaseCommand):
    help = "Retrieval alone: the chunks that a question would be answered from."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("bot_id", type=UUID)
        parser.add_argument("query")
        parser.add_argument("--limit", type=int, default=8)
        parser.add_argument("--json", action="store_true", help="print JSON for programs")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            bot = public_bot(options["bot_id"])
            results = _search(bot, options["query"], options["limit"])
        except BotFactoryError as exc:
            raise CommandError(exc.public_message) from exc
        if options["json"]:
            self.stdout.write(json.dumps({"results": results}, ensure_ascii=False))
            return
        for result in results:
            place = f", page {result['page']}" if result["page"] else ""
            self.stdout.write(f"{result['similarity']:.3f}  {result['title']}{place}")
            self.stdout.write(f"       {result['url']}")
            self.stdout.write(f"       {' '.join(result['text'].split())[:200]}\n")


def _search(bot: Bot, query: str, limit: int) -> list[dict[str, Any]]:
    if (url := running_server()) is not None:
        with short_lived_key(bot) as secret:
            path, body = f"/api/v1/bots/{bot.pk}/search/", {"query": query, "limit": limit}
            reply = asyncio.run(post_to_server(url, path, secret, body))
            return list(reply["results"])
    if settings.QDRANT_URL:
        found = asyncio.run(retriever.search(bot.pk, query, limit=limit))
    else:
        with own_data_dir(settings.BOTFACTORY_DATA_DIR):
            found = asyncio.run(retriever.search(bot.pk, query, limit=limit))
    return [search_result(chunk) for chunk in found]
