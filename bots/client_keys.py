"""Idempotency keys: what a client sends with a message so that it may send it again."""

from __future__ import annotations

import re

from django.http import HttpRequest

from botfactory.errors import InvalidInput

HEADER = "Idempotency-Key"
_KEY = re.compile(r"[\x21-\x7e]{1,100}")


def client_key_of(request: HttpRequest) -> str:
    """The header's value, "" without one. Raises InvalidInput."""
    key = request.headers.get(HEADER, "")
    if key and not _KEY.fullmatch(key):
        raise InvalidInput(f"{HEADER} is 1 to 100 visible ASCII characters.")
    return key
