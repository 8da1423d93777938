"""JSON as the standard has it, from bytes that anybody may have sent."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from botfactory.errors import InvalidInput


def parse_json(body: bytes) -> Any:
    """What `body` says; of keys that come twice the last one counts. Raises InvalidInput.

    Python's own parser takes `NaN` and `Infinity`, guesses other encodings than UTF-8, and gives up
    on deep nesting with an error that is no ValueError.
    """
    try:
        return json.loads(body.decode("utf-8"), parse_constant=_refuse)
    except (ValueError, RecursionError) as exc:
        raise InvalidInput("The body is not valid JSON.") from exc


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)
