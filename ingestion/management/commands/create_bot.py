from __future__ import annotations

import json
from argparse import ArgumentParser
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from botfactory.accounts.shell import shell_actor
from botfactory.errors import BotFactoryError
from bots.models import Bot
from bots.services import create_bot
from ingestion import selectors, services
from ingestion.following import follow
from ingestion.local_worker import worker_unless_served
from ingestion.models import Source
from ingestion.services import Upload


class Command(BaseCommand):
    help = "Create a bot from websites and files, and print its public id."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--url", action="append", default=[], help="a website to crawl")
        parser.add_argument("--file", action="append", default=[], type=Path, help="a document")
        parser.add_argument("--max-pages", type=int, help="page budget of each website")
        parser.add_argument("--workspace", help="slug; the oldest workspace if left out")
        parser.add_argument("--wait", action="store_true", help="return when all is indexed")
        parser.add_argument("--json", action="store_true", help="print JSON for programs")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            bot, sources = _create(options)
        except BotFactoryError as exc:
            raise CommandError(exc.public_message) from exc
        if options["wait"]:
            with worker_unless_served() as is_here:
                if is_here:
                    self.stderr.write("Indexing in this process.")
                follow([source.pk for source in sources], is_quiet=options["json"])
        report = [_report(source) for source in Source.objects.filter(bot=bot)]
        self._print(bot, report, is_json=options["json"])
        if any(row["status"] == Source.Status.FAILED for row in report):
            raise CommandError("Not every source could be read; see above.", returncode=2)

    def _print(self, bot: Bot, report: list[dict[str, Any]], *, is_json: bool) -> None:
        if is_json:
            self.stdout.write(json.dumps({"id": str(bot.pk), "sources": report}))
            return
        self.stdout.write(str(bot.pk))
        for row in report:
            counts = ", ".join(f"{count} {name}" for name, count in row["counts"].items())
            self.stderr.write(f"{row['name']}: {row['status']} ({counts}) {row['error']}".rstrip())


def _create(options: dict[str, Any]) -> tuple[Bot, list[Source]]:
    """Bot and sources, or neither. Raises BotFactoryError, CommandError."""
    actor = shell_actor(options["workspace"])
    with transaction.atomic(), ExitStack() as stack:
        bot = create_bot(actor=actor, name=options["name"])
        sources = [
            services.add_website(actor=actor, bot=bot, url=url, max_pages=options["max_pages"])
            for url in options["url"]
        ]
        uploads = [_open(path, stack) for path in options["file"]]
        if uploads:
            sources.append(services.add_files(actor=actor, bot=bot, uploads=uploads))
    return bot, sources


def _open(path: Path, stack: ExitStack) -> Upload:
    try:
        content = stack.enter_context(path.open("rb"))
        return Upload(path.name, content, path.stat().st_size)
    except OSError as exc:
        raise CommandError(f"{path} cannot be read: {exc.strerror}.") from exc


def _report(source: Source) -> dict[str, Any]:
    return {
        "id": str(source.pk),
        "name": source.name,
        "status": source.status,
        "counts": selectors.counts_of_source(source).as_dict(),
        "error": source.error_message,
    }
