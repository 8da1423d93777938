from __future__ import annotations

import json
import time
from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from botfactory.errors import BotFactoryError
from bots.access import public_bot
from ingestion.indexing.reindexing import count_waiting, request_reindex
from ingestion.local_worker import worker_unless_served

POLL_S = 0.3


class Command(BaseCommand):
    help = "Rebuild the index of one bot, or of all, from the database; nothing is crawled again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("bot_id", type=UUID, nargs="?")
        parser.add_argument("--json", action="store_true", help="print JSON for programs")

    def handle(self, *args: Any, **options: Any) -> None:
        bot_id = options["bot_id"]
        try:
            if bot_id:
                public_bot(bot_id)
            total = request_reindex(bot_id)
            with worker_unless_served():
                _follow(bot_id, total, is_quiet=options["json"])
        except BotFactoryError as exc:
            raise CommandError(exc.public_message) from exc
        if options["json"]:
            self.stdout.write(json.dumps({"documents": total}))
        else:
            self.stdout.write(f"{total} documents indexed anew.")


def _follow(bot_id: UUID | None, total: int, *, is_quiet: bool) -> None:
    with tqdm(total=total, unit=" documents", disable=is_quiet, leave=False) as bar:
        while waiting := count_waiting(bot_id):
            bar.n = max(total - waiting, 0)
            bar.refresh()
            time.sleep(POLL_S)
