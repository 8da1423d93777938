from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from bots.administration.services import reencrypt_secrets


class Command(BaseCommand):
    help = "Encrypt every stored secret anew, after BOTFACTORY_SECRET_KEY has changed."

    def handle(self, *args: Any, **options: Any) -> str:
        n_done, unreadable = reencrypt_secrets()
        if unreadable:
            raise CommandError(
                f"{n_done} secrets are encrypted anew. These engines hold one that no key of "
                f"BOTFACTORY_SECRET_KEY and BOTFACTORY_SECRET_KEY_FALLBACKS can read; add the old "
                f"key, or type the secret again: {', '.join(unreadable)}"
            )
        return f"{n_done} secrets are encrypted with the present key."
