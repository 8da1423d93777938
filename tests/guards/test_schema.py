"""The OpenAPI schema is complete, and every operation in it is described."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from django.test import Client


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    return dict(yaml.safe_load(Client().get("/api/v1/schema/").content))


def test_it_lists_every_endpoint(schema: dict[str, Any]) -> None:
    assert sorted(schema["paths"]) == [
        "/api/v1/bots/",
        "/api/v1/bots/{bot_id}/",
        "/api/v1/bots/{bot_id}/chat/",
        "/api/v1/bots/{bot_id}/conversations/",
        "/api/v1/bots/{bot_id}/conversations/{conversation_id}/",
        "/api/v1/bots/{bot_id}/conversations/{conversation_id}/fork/",
        "/api/v1/bots/{bot_id}/conversations/{conversation_id}/messages/{message_id}/trace/",
        "/api/v1/bots/{bot_id}/conversations/{conversation_id}/regenerate/",
        "/api/v1/bots/{bot_id}/conversations/{conversation_id}/stop/",
        "/api/v1/bots/{bot_id}/draft/",
        "/api/v1/bots/{bot_id}/publish/",
        "/api/v1/bots/{bot_id}/question-answers/",
        "/api/v1/bots/{bot_id}/question-answers/import/",
        "/api/v1/bots/{bot_id}/question-answers/{question_answer_id}/",
        "/api/v1/bots/{bot_id}/search/",
        "/api/v1/bots/{bot_id}/sources/",
        "/api/v1/bots/{bot_id}/sources/{source_id}/",
        "/api/v1/bots/{bot_id}/sources/{source_id}/cancel/",
        "/api/v1/bots/{bot_id}/sources/{source_id}/documents/",
        "/api/v1/bots/{bot_id}/sources/{source_id}/documents/{document_id}/chunks/",
        "/api/v1/bots/{bot_id}/sources/{source_id}/documents/{document_id}/chunks/{chunk_id}/",
        "/api/v1/bots/{bot_id}/sources/{source_id}/pages/",
        "/api/v1/bots/{bot_id}/sources/{source_id}/pages/{page_id}/exclude/",
        "/api/v1/bots/{bot_id}/sources/{source_id}/pages/{page_id}/retry/",
        "/api/v1/bots/{bot_id}/sources/{source_id}/refresh/",
        "/api/v1/bots/{bot_id}/sources/{source_id}/removals/confirm/",
        "/api/v1/bots/{bot_id}/sources/{source_id}/removals/keep/",
        "/api/v1/bots/{bot_id}/sources/{source_id}/retry-failed/",
        "/api/v1/bots/{bot_id}/sources/{source_id}/runs/",
        "/api/v1/bots/{bot_id}/versions/",
        "/api/v1/bots/{bot_id}/versions/diff/",
        "/api/v1/bots/{bot_id}/versions/{number}/",
        "/api/v1/bots/{bot_id}/versions/{number}/rollback/",
        "/api/v1/engines/",
        "/api/v1/engines/{engine_id}/",
        "/api/v1/engines/{engine_id}/test/",
    ]


def test_every_operation_says_what_it_does_and_needs_a_key(schema: dict[str, Any]) -> None:
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            assert operation.get("description"), f"{method} {path}"
            assert operation["security"] == [{"apiKey": []}], f"{method} {path}"


def test_the_generator_has_nothing_to_complain_about(capsys: pytest.CaptureFixture[str]) -> None:
    from django.core.management import call_command

    call_command("spectacular", "--validate", "--fail-on-warn", file="/dev/null")
