"""What a visitor's request says: a token in the header, a message in the body, nothing else.

History, roles, models, conversation ids that a client sends are not read at all.
"""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest

from botfactory.errors import InvalidInput, MethodNotAllowed, TooLarge
from botfactory.lib.json_body import parse_json
from widget.errors import UnsupportedBody, VisitEnded
from widget.tokens import Visit, read_visit

# A question of the most characters, each written as a JSON escape, and the object around it.
MAX_BODY_BYTES = 64 * 1024


def require_method(request: HttpRequest, method: str) -> None:
    """Raises MethodNotAllowed."""
    if request.method != method:
        raise MethodNotAllowed


def visit_of(request: HttpRequest) -> Visit:
    """Raises VisitEnded, for a missing token too."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise VisitEnded
    return read_visit(token.strip())


def message_of(request: HttpRequest) -> str:
    """The text of `{"message": text}`. Raises InvalidInput, TooLarge, UnsupportedBody."""
    return _text(_body(request), "message")


def edited_of(request: HttpRequest) -> tuple[UUID, str]:
    """`{"message_id": id, "message": text}`. Raises as `message_of`."""
    body = _body(request)
    try:
        return UUID(_text(body, "message_id")), _text(body, "message")
    except ValueError as exc:
        raise InvalidInput(fields={"message_id": ["Send the id of a question."]}) from exc


def _body(request: HttpRequest) -> dict[str, object]:
    if request.content_type != "application/json":
        raise UnsupportedBody
    body = request.read(MAX_BODY_BYTES + 1)
    if len(body) > MAX_BODY_BYTES:
        raise TooLarge
    data = parse_json(body)
    return data if isinstance(data, dict) else {}


def _text(body: dict[str, object], name: str) -> str:
    text = body.get(name)
    if not isinstance(text, str):
        raise InvalidInput(fields={name: ["Send the question as text."]})
    if not _is_unicode(text):
        raise InvalidInput(fields={name: ["Send the question as valid Unicode text."]})
    return text


def _is_unicode(text: str) -> bool:
    """JSON can spell half a surrogate pair, which no database stores."""
    return not any(0xD800 <= ord(character) <= 0xDFFF for character in text)
