"""Owners hear of a refresh that needs them: once, and only they."""

from __future__ import annotations

from typing import Any

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from pytest_django.fixtures import Settings

from botfactory.accounts.models import User, Workspace
from bots.models import Bot
from ingestion.models import IngestionRun, Source
from ingestion.runs import notices
from ingestion.runs.notices import NoticeNotSent, tell_owners

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def workspace_owner(workspace: Workspace, alice: User, bob: User) -> User:
    """alice owns the workspace; bob only looks at it."""
    return alice


def add_run(source: Source, **fields: Any) -> IngestionRun:
    fields = {"status": "finished", "trigger": "scheduled"} | fields
    return IngestionRun.objects.create(source=source, **fields)


def test_owners_hear_of_pages_that_are_held(website: Source, settings: Settings) -> None:
    settings.BOTFACTORY_PUBLIC_URL = "https://bots.example.com"
    run = add_run(website, n_held=7)
    tell_owners(str(run.pk))
    [message] = mail.outbox
    assert message.to == ["alice@example.com"]
    assert "7 pages" in message.subject
    assert f"https://bots.example.com/bots/{website.bot_id}/sources/{website.pk}/" in message.body
    assert "  " not in message.body.replace("\n", "")


def test_owners_hear_of_a_scheduled_refresh_that_failed_and_why(website: Source) -> None:
    Source.objects.update(error_message="The site is failing.")
    tell_owners(str(add_run(website, status="failed").pk))
    assert "The site is failing." in mail.outbox[0].body


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"status": "failed", "trigger": "manual"},
        {"status": "failed", "trigger": "first"},
        {"status": "cancelled"},
    ],
)
def test_nobody_hears_of_what_needs_nobody(website: Source, fields: dict[str, Any]) -> None:
    tell_owners(str(add_run(website, **fields).pk))
    assert mail.outbox == []


def test_a_run_is_told_of_once(website: Source) -> None:
    run = add_run(website, n_held=7)
    for _ in range(5):
        tell_owners(str(run.pk))
    assert len(mail.outbox) == 1


def test_a_trouble_that_lasts_is_told_of_once(website: Source) -> None:
    for _ in range(3):
        tell_owners(str(add_run(website, status="failed").pk))
    assert len(mail.outbox) == 1
    add_run(website)
    tell_owners(str(add_run(website, status="failed").pk))
    assert len(mail.outbox) == 2


def test_a_mail_server_that_is_away_gets_it_later(
    website: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = add_run(website, n_held=7)

    def refuse(*args: object, **kwargs: object) -> None:
        raise ConnectionRefusedError

    with monkeypatch.context() as patches:
        patches.setattr(EmailBackend, "send_messages", refuse)
        with pytest.raises(NoticeNotSent):
            tell_owners(str(run.pk))
    tell_owners(str(run.pk))
    assert len(mail.outbox) == 1


def test_a_name_with_line_breaks_makes_no_header(website: Source, bot: Bot) -> None:
    Source.objects.update(name="Shop\nBcc: everybody@example.com")
    tell_owners(str(add_run(website, n_held=1).pk))
    assert "\n" not in mail.outbox[0].subject
    assert mail.outbox[0].to == ["alice@example.com"]


def test_a_run_that_is_gone_is_told_of_to_nobody(website: Source) -> None:
    notices.tell_owners("00000000-0000-0000-0000-000000000000")
    assert mail.outbox == []
