from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from botfactory.accounts.models import ApiKey
from botfactory.accounts.services import create_api_key
from botfactory.accounts.shell import shell_actor


class Command(BaseCommand):
    help = "Print a new API key. Makes a first workspace and owner where there is none."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--workspace", help="slug; the oldest workspace if left out")
        parser.add_argument("--name", default="Made from the shell")
        parser.add_argument(
            "--scope", action="append", choices=ApiKey.Scope.values, help="all if left out"
        )

    def handle(self, *args: Any, **options: Any) -> str:
        actor = shell_actor(options["workspace"])
        scopes = options["scope"] or list(ApiKey.Scope.values)
        _, secret = create_api_key(actor=actor, name=options["name"], scopes=scopes)
        return secret
