from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from botfactory.accounts.errors import LastOperator
from botfactory.accounts.models import User
from botfactory.accounts.services import set_operator


class Command(BaseCommand):
    help = "Name a person who looks after the server itself, or take that away."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--undo", action="store_true", help="no operator any more")

    def handle(self, *args: Any, **options: Any) -> str:
        user = User.objects.filter(email=options["email"].lower(), is_active=True).first()
        if user is None:
            raise CommandError(f"Nobody has signed up as {options['email']}.")
        try:
            set_operator(user=user, is_operator=not options["undo"])
        except LastOperator as exc:
            raise CommandError(exc.public_message) from exc
        return f"{user.email} is {'no longer' if options['undo'] else 'now'} an operator."
