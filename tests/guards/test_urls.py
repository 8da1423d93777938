"""Every address denies by default: no session and no key means no content."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

# Open on purpose; each entry says why.
OPEN = {
    "home": "says what the product is",
    "livez": "probe",
    "readyz": "probe",
    "api:schema": "describes the API, holds no data",
    "api:api-docs": "describes the API, holds no data",
    "api-docs": "describes the API, holds no data",
    "accounts:login-link": "the link's token is the credential",
    "accounts:invitation": "the link's secret is the credential",
    "widget:loader": "the script that sites embed",
    "widget:asset": "scripts and styles of the panel, the same for everybody",
    "widget:frame": "guarded by the bot's list of sites",
    "widget:share": "guarded by the bot's is_shared",
}
OPEN_PREFIXES = {"account_": "allauth's own sign-in pages"}

PARAMETERS = {
    "bot_id": uuid4(),
    "source_id": uuid4(),
    "conversation_id": uuid4(),
    "user_id": uuid4(),
    "message_id": uuid4(),
    "key_id": uuid4(),
    "invitation_id": uuid4(),
    "slug": "acme",
    "token": "x",
    "secret": "x",
    "key": "x",
    "uidb36": "x",
    "member_id": 1,
    "document_id": uuid4(),
    "engine_id": uuid4(),
    "chunk_id": uuid4(),
    "question_answer_id": uuid4(),
    "run_id": uuid4(),
    "page_id": 1,
    "number": 1,
    "name": "x",
    "kind": "json",
}


def _patterns(resolver: URLResolver, namespace: str = "") -> Iterator[tuple[str, URLPattern, str]]:
    for entry in resolver.url_patterns:
        if isinstance(entry, URLResolver):
            inner = ":".join(part for part in (namespace, entry.namespace or "") if part)
            for name, pattern, route in _patterns(entry, inner):
                yield name, pattern, f"{entry.pattern}{route}"
        else:
            name = ":".join(part for part in (namespace, entry.name or "") if part)
            yield name, entry, str(entry.pattern)


ALL = list(_patterns(get_resolver()))


def _path(route: str) -> str:
    path = route
    for converter in ("uuid:", "str:", "slug:", "int:", "path:"):
        path = path.replace(f"<{converter}", "<")
    for name, value in PARAMETERS.items():
        path = path.replace(f"<{name}>", str(value))
    return f"/{path}".replace("^", "").replace("$", "")


def _is_open(name: str) -> bool:
    return name in OPEN or any(name.startswith(prefix) for prefix in OPEN_PREFIXES)


CLOSED = [(name, _path(route)) for name, _, route in ALL if not _is_open(name)]


def test_every_address_has_a_name() -> None:
    assert [route for name, _, route in ALL if not name] == []


def test_the_open_list_holds_no_stale_entry() -> None:
    names = {name for name, _, _ in ALL} | {"api:api-docs", "api-docs", "api:schema"}
    assert [name for name in OPEN if name not in names] == []


@pytest.mark.django_db
@pytest.mark.parametrize(("name", "path"), CLOSED, ids=[name for name, _ in CLOSED])
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_stranger_gets_nothing(name: str, path: str, method: str) -> None:
    response = getattr(Client(), method)(path)
    is_login_redirect = response.status_code == 302 and "/login/" in response["Location"]
    assert is_login_redirect or response.status_code in (401, 403, 405), (
        f"{method} {path} ({name}) answered {response.status_code} to a stranger"
    )
    if response.status_code == 405:
        other = Client().get(path) if method == "post" else Client().post(path)
        assert other.status_code != 200
