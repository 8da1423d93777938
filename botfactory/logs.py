"""Log lines: one event a line, `extra` as key=value, nothing that could forge a second line."""

from __future__ import annotations

import json
import logging

# Line breaks of every kind, and what a terminal would obey.
_ESCAPES = {
    code: repr(chr(code))[1:-1] for code in (*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029)
}
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class EventFormatter(logging.Formatter):
    """`2026-11-22 10:00:00,000 INFO ingestion.pipeline crawl_finished pages=300 source="..."`."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:
        line = super().formatMessage(record).translate(_ESCAPES)
        extra = " ".join(
            f"{key}={json.dumps(value, default=str)}"
            for key, value in vars(record).items()
            if key not in _STANDARD
        )
        return f"{line} {extra}" if extra else line
