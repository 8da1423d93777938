"""Owners say what of a site is read and how often; what they exclude is gone at once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.utils import timezone

from botfactory.accounts.access import Actor
from botfactory.accounts.models import AuditEvent, Role, User, Workspace
from botfactory.errors import Conflict, InvalidInput, NotFound, PermissionDenied
from bots.knowledge import registry
from bots.knowledge.errors import VectorStoreUnavailable
from bots.models import Bot
from ingestion import services
from ingestion.crawling.scope import MAX_PATTERNS
from ingestion.models import Document, IngestionRun, Page, Source
from ingestion.runs import saving
from ingestion.scoping import (
    MAX_PAGES_LIMIT,
    SourceSettings,
    exclude_page,
    settings_of,
    update_source,
)

pytestmark = pytest.mark.django_db

URL = "https://example.com/tea"


@pytest.fixture
def page(website: Source) -> Page:
    """A page that is indexed, as the latest run left it."""
    run = IngestionRun.objects.create(source=website, status="finished")
    key = saving.key_of(URL)
    Document.objects.create(source=website, key=key, url=URL, text="x", content_hash="x")
    return Page.objects.create(run=run, url=URL, url_hash=key, verdict=Page.Verdict.INDEXED)


def test_new_settings_are_kept_and_read_back(owner: Actor, website: Source) -> None:
    changes = SourceSettings(
        max_pages=50,
        max_depth=3,
        include=("/docs/",),
        exclude=("/docs/old/*", "https://example.com/x"),
        path_prefix="/docs",
        with_subdomains=True,
        render_javascript=True,
        refresh="weekly",
    )
    update_source(actor=owner, source=website, changes=changes)
    stored = Source.objects.get(pk=website.pk)
    assert settings_of(stored) == settings_of(website) == changes
    assert AuditEvent.objects.filter(action="source.update").count() == 1


def test_a_new_schedule_sets_the_first_refresh_and_an_equal_one_leaves_it(
    owner: Actor, website: Source
) -> None:
    daily = replace(settings_of(website), refresh="daily")
    update_source(actor=owner, source=website, changes=daily)
    first = website.next_refresh_at
    assert first is not None
    assert first > timezone.now()
    update_source(actor=owner, source=website, changes=replace(daily, max_pages=7))
    website.refresh_from_db()
    assert website.next_refresh_at == first
    update_source(actor=owner, source=website, changes=replace(daily, refresh=""))
    website.refresh_from_db()
    assert website.next_refresh_at is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("max_pages", 0),
        ("max_pages", MAX_PAGES_LIMIT + 1),
        ("max_depth", -1),
        ("max_depth", 101),
        ("include", ("two words",)),
        ("exclude", ("/" + "x" * 600,)),
        ("exclude", ("",)),
        ("include", tuple(f"/{n}" for n in range(MAX_PATTERNS + 1))),
        ("path_prefix", "x" * 501),
        ("path_prefix", "https://other.example/"),
        ("refresh", "yearly"),
    ],
)
def test_settings_that_make_no_sense_are_refused_by_field(
    owner: Actor, website: Source, field: str, value: Any
) -> None:
    with pytest.raises(InvalidInput) as caught:
        update_source(
            actor=owner, source=website, changes=replace(SourceSettings(), **{field: value})
        )
    assert set(caught.value.fields) == {field}
    assert settings_of(Source.objects.get(pk=website.pk)) == SourceSettings()


def test_a_text_takes_no_schedule(owner: Actor, bot: Bot) -> None:
    text = Source.objects.create(bot=bot, kind=Source.Kind.TEXT, name="Tea")
    with pytest.raises(InvalidInput) as caught:
        update_source(actor=owner, source=text, changes=SourceSettings(refresh="daily"))
    assert set(caught.value.fields) == {"refresh"}


def test_a_website_may_be_added_with_its_settings(owner: Actor, bot: Bot) -> None:
    changes = SourceSettings(max_pages=9, exclude=("blog/",), refresh="hourly")
    source = services.add_website(actor=owner, bot=bot, url="example.com", changes=changes)
    assert (source.max_pages, source.exclude, source.refresh) == (9, ["/blog/"], "hourly")
    assert source.next_refresh_at is not None


@pytest.mark.model
def test_an_excluded_page_leaves_the_bot_now_and_its_address_is_never_read_again(
    knowledge: None, owner: Actor, website: Source, page: Page
) -> None:
    exclude_page(actor=owner, source=website, page_id=page.pk)
    page.refresh_from_db()
    website.refresh_from_db()
    assert website.exclude == [URL]
    assert not website.documents.exists()
    assert (page.verdict, page.reason, page.change) == ("skipped", "excluded", "removed")
    exclude_page(actor=owner, source=website, page_id=page.pk)
    website.refresh_from_db()
    assert website.exclude == [URL]


@pytest.mark.model
def test_a_page_that_was_excluded_while_it_was_read_stays_out(
    knowledge: None, owner: Actor, website: Source, page: Page
) -> None:
    from ingestion.extraction.types import ExtractedDocument

    exclude_page(actor=owner, source=website, page_id=page.pk)
    read = saving.Read(page_url=URL, link=URL, extracted=ExtractedDocument("Tea", "Two minutes."))
    saving.save_document(page.run, read)
    saving.note_verdict(page.run_id, URL, Page.Verdict.UNCHANGED)
    page.refresh_from_db()
    assert (page.verdict, page.reason) == ("skipped", "excluded")
    assert not website.documents.exists()


@pytest.mark.model
def test_while_the_vector_store_is_away_nothing_is_excluded(
    knowledge: None,
    owner: Actor,
    website: Source,
    page: Page,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise VectorStoreUnavailable

    monkeypatch.setattr(registry.vector_store(), "delete_document", refuse)
    with pytest.raises(VectorStoreUnavailable):
        exclude_page(actor=owner, source=website, page_id=page.pk)
    website.refresh_from_db()
    assert (website.exclude, website.documents.count()) == ([], 1)


def test_a_source_with_too_many_patterns_takes_no_more(
    owner: Actor, website: Source, page: Page
) -> None:
    Source.objects.update(exclude=[f"/{n}" for n in range(MAX_PATTERNS)])
    website.refresh_from_db()
    with pytest.raises(Conflict):
        exclude_page(actor=owner, source=website, page_id=page.pk)
    assert website.documents.count() == 1


def test_a_page_of_another_source_is_not_there(owner: Actor, bot: Bot, page: Page) -> None:
    other = Source.objects.create(bot=bot, kind=Source.Kind.WEBSITE, name="x", url=URL)
    with pytest.raises(NotFound):
        exclude_page(actor=owner, source=other, page_id=page.pk)


def test_a_viewer_changes_no_settings(
    workspace: Workspace, bob: User, website: Source, page: Page
) -> None:
    viewer = Actor(workspace, Role.VIEWER, bob)
    with pytest.raises(PermissionDenied):
        update_source(actor=viewer, source=website, changes=SourceSettings(max_pages=1))
    with pytest.raises(PermissionDenied):
        exclude_page(actor=viewer, source=website, page_id=page.pk)
