"""What may become a source, and that nothing is left of what may not."""

from __future__ import annotations

import errno
import io
from typing import Any

import pytest
from django.core.files.storage import default_storage
from pytest_django.fixtures import Settings

from botfactory.accounts.access import Actor
from botfactory.accounts.models import AuditEvent, Role, User, Workspace
from botfactory.errors import BotFactoryError, InvalidInput, PermissionDenied
from botfactory.lib.safe_http import UrlInvalid, UrlNotAllowed
from bots.models import Bot
from ingestion import services
from ingestion.errors import FileEmpty, FileTooLarge, StorageFull
from ingestion.models import Source, SourceFile
from ingestion.scoping import MAX_PAGES_LIMIT
from ingestion.services import MAX_FILES_PER_SOURCE, Upload
from tests.ingestion.conftest import StoredFiles

pytestmark = pytest.mark.django_db


@pytest.fixture
def viewer(workspace: Workspace, bob: User) -> Actor:
    return Actor(workspace, Role.VIEWER, bob)


def upload(body: bytes = b"Open from nine.", name: str = "hours.txt") -> Upload:
    return Upload(name, io.BytesIO(body), len(body))


def test_a_website_is_queued_under_its_full_address(
    owner: Actor, bot: Bot, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks() as queued:
        source = services.add_website(actor=owner, bot=bot, url="WWW.Example.com/help#top")
    assert (source.kind, source.status) == (Source.Kind.WEBSITE, Source.Status.QUEUED)
    assert source.url == "https://www.example.com/help"
    assert len(queued) == 1
    event = AuditEvent.objects.get(action="source.create")
    assert (event.object_id, event.data["bot_id"]) == (str(source.pk), str(bot.pk))


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("", UrlInvalid),
        ("https://", UrlInvalid),
        ("https://user:secret@example.com/", UrlInvalid),
        ("https://example.com:99999/", UrlInvalid),
        ("https://" + "x" * 3000, UrlInvalid),
        ("ftp://example.com/", UrlNotAllowed),
        ("http://127.1/", UrlNotAllowed),
    ],
)
def test_an_address_that_is_no_website_is_refused_typed(
    owner: Actor, bot: Bot, url: str, error: type[BotFactoryError]
) -> None:
    with pytest.raises(error):
        services.add_website(actor=owner, bot=bot, url=url)
    assert not Source.objects.exists()


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "10.0.0.1",
        "http://169.254.169.254/latest/meta-data/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://93.184.216.34:8080/",
    ],
)
def test_a_numeric_address_that_would_not_be_dialled_is_refused_at_once(
    owner: Actor, bot: Bot, url: str
) -> None:
    with pytest.raises(UrlNotAllowed):
        services.add_website(actor=owner, bot=bot, url=url)
    assert not Source.objects.exists()


def test_a_numeric_address_that_the_operator_allows_is_queued(
    owner: Actor, bot: Bot, settings: Settings
) -> None:
    settings.BOTFACTORY_ALLOWED_NETWORKS = ["10.0.0.0/8", "fd12::/16"]
    for url in ("http://10.0.0.1:8080/", "http://[fd12::1]/", "http://93.184.216.34/"):
        assert services.add_website(actor=owner, bot=bot, url=url).url == url


def test_the_name_of_a_long_address_fits_its_column(owner: Actor, bot: Bot) -> None:
    url = "https://example.com/" + "a" * 2000
    source = services.add_website(actor=owner, bot=bot, url=url)
    assert (source.url, len(source.name)) == (url, 300)


def test_the_page_budget_is_the_operators_where_nobody_says(
    owner: Actor, bot: Bot, settings: Settings
) -> None:
    settings.BOTFACTORY_MAX_PAGES = 7
    assert services.add_website(actor=owner, bot=bot, url="example.com").max_pages == 7
    source = services.add_website(actor=owner, bot=bot, url="example.com", max_pages=9)
    assert source.max_pages == 9


@pytest.mark.parametrize("max_pages", [-1, 0, MAX_PAGES_LIMIT + 1])
def test_a_page_budget_out_of_range_is_refused(owner: Actor, bot: Bot, max_pages: int) -> None:
    with pytest.raises(InvalidInput) as caught:
        services.add_website(actor=owner, bot=bot, url="example.com", max_pages=max_pages)
    assert set(caught.value.fields) == {"max_pages"}


def test_files_are_kept_under_names_of_ours(owner: Actor, bot: Bot) -> None:
    source = services.add_files(
        actor=owner, bot=bot, uploads=[upload(name="../../etc/passwd"), upload(b"More.", "b.txt")]
    )
    assert source.name == "../../etc/passwd and 1 more"
    for file in source.files.all():
        assert file.file.name == f"sources/{source.pk}/{file.pk}"
    assert {file.file.read() for file in source.files.all()} == {b"Open from nine.", b"More."}


def test_the_same_file_twice_counts_once(owner: Actor, bot: Bot, stored_files: StoredFiles) -> None:
    source = services.add_files(actor=owner, bot=bot, uploads=[upload(), upload(name="again.txt")])
    assert source.files.get().name == "hours.txt"
    assert len(stored_files()) == 1


def test_different_files_of_one_name_get_names_that_differ(owner: Actor, bot: Bot) -> None:
    uploads = [
        upload(b"A", "plan.tar.md"),
        upload(b"B", "plan.tar.md"),
        upload(b"C", "plan.tar.md"),
    ]
    source = services.add_files(actor=owner, bot=bot, uploads=uploads)
    assert sorted(source.files.values_list("name", flat=True)) == [
        "plan.tar (2).md",
        "plan.tar (3).md",
        "plan.tar.md",
    ]


def test_long_names_are_cut_and_still_differ(owner: Actor, bot: Bot) -> None:
    uploads = [upload(b"A", "x" * 400 + ".md"), upload(b"B", "x" * 400 + ".md")]
    source = services.add_files(actor=owner, bot=bot, uploads=uploads)
    names = set(source.files.values_list("name", flat=True))
    assert len(names) == 2
    assert {len(name) for name in names} == {255}
    assert all(name.endswith(".md") for name in names)


@pytest.mark.parametrize("n_files", [0, MAX_FILES_PER_SOURCE + 1])
def test_no_file_and_too_many_files_are_refused(owner: Actor, bot: Bot, n_files: int) -> None:
    with pytest.raises(InvalidInput) as caught:
        services.add_files(actor=owner, bot=bot, uploads=[upload()] * n_files)
    assert set(caught.value.fields) == {"file"}


def test_one_empty_or_too_large_file_refuses_all(
    owner: Actor, bot: Bot, settings: Settings, stored_files: StoredFiles
) -> None:
    settings.BOTFACTORY_MAX_FILE_BYTES = 20
    with pytest.raises(FileEmpty):
        services.add_files(actor=owner, bot=bot, uploads=[upload(), upload(b"")])
    with pytest.raises(FileTooLarge):
        services.add_files(actor=owner, bot=bot, uploads=[upload(), upload(b"x" * 21)])
    assert services.add_files(actor=owner, bot=bot, uploads=[upload(b"x" * 20)]).files.count() == 1
    assert Source.objects.count() == 1
    assert len(stored_files()) == 1


class _Unplugged(io.BytesIO):
    def read(self, size: int | None = -1) -> bytes:
        raise OSError("the disk is gone")


def test_a_failure_in_the_middle_keeps_nothing(
    owner: Actor, bot: Bot, stored_files: StoredFiles
) -> None:
    broken = Upload("broken.txt", _Unplugged(), 5)
    with pytest.raises(OSError, match="the disk is gone"):
        services.add_files(actor=owner, bot=bot, uploads=[upload(), upload(b"More."), broken])
    assert stored_files() == set()
    assert not SourceFile.objects.exists()
    assert not Source.objects.exists()
    assert not AuditEvent.objects.filter(action="source.create").exists()


def test_a_text_is_one_file_under_its_title(owner: Actor, bot: Bot) -> None:
    source = services.add_text(
        actor=owner, bot=bot, title="Tea", text="# Tee ü", url="https://tea.example"
    )
    assert (source.kind, source.name) == (Source.Kind.TEXT, "Tea")
    assert source.url == "https://tea.example/"
    assert source.files.get().file.read().decode() == "# Tee ü"


def test_a_text_without_a_title_or_with_a_long_one_is_kept(owner: Actor, bot: Bot) -> None:
    assert services.add_text(actor=owner, bot=bot, title="", text="x").name == "Text"
    assert len(services.add_text(actor=owner, bot=bot, title="t" * 900, text="x").name) == 300


@pytest.mark.parametrize("text", ["", " \n\t "])
def test_a_text_without_words_is_refused(owner: Actor, bot: Bot, text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        services.add_text(actor=owner, bot=bot, title="Tea", text=text)
    assert set(caught.value.fields) == {"text"}


def test_a_text_may_name_only_an_address_that_can_be_opened(owner: Actor, bot: Bot) -> None:
    with pytest.raises(UrlNotAllowed):
        services.add_text(actor=owner, bot=bot, title="Tea", text="x", url="javascript:alert(1)")


def test_a_viewer_changes_nothing(viewer: Actor, bot: Bot, website: Source) -> None:
    with pytest.raises(PermissionDenied):
        services.add_website(actor=viewer, bot=bot, url="example.com")
    with pytest.raises(PermissionDenied):
        services.add_files(actor=viewer, bot=bot, uploads=[upload()])
    with pytest.raises(PermissionDenied):
        services.add_text(actor=viewer, bot=bot, title="x", text="x")
    with pytest.raises(PermissionDenied):
        services.retry_source(actor=viewer, source=website)
    with pytest.raises(PermissionDenied):
        services.delete_source(actor=viewer, source=website)
    website.refresh_from_db()
    assert website.deleted_at is None
    assert Source.objects.count() == 1


@pytest.mark.parametrize("status", [Source.Status.READY, Source.Status.FAILED])
def test_a_source_that_is_done_can_be_tried_again(
    owner: Actor, website: Source, status: str, django_capture_on_commit_callbacks: Any
) -> None:
    Source.objects.filter(pk=website.pk).update(status=status, error_code="x", error_message="y")
    with django_capture_on_commit_callbacks() as queued:
        services.retry_source(actor=owner, source=website)
    website.refresh_from_db()
    assert (website.status, website.error_code, website.error_message) == ("queued", "", "")
    assert len(queued) == 1


@pytest.mark.parametrize("status", Source.UNFINISHED)
def test_a_source_that_is_being_read_is_not_started_twice(
    owner: Actor, website: Source, status: str, django_capture_on_commit_callbacks: Any
) -> None:
    Source.objects.filter(pk=website.pk).update(status=status)
    with django_capture_on_commit_callbacks() as queued:
        services.retry_source(actor=owner, source=website)
    website.refresh_from_db()
    assert website.status == status
    assert queued == []


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_when_the_disk_is_full_nothing_is_kept_and_it_says_so(
    owner: Actor,
    bot: Bot,
    stored_files: StoredFiles,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
) -> None:
    """The first file fits; of the second, the disk takes a part."""
    save = default_storage.save
    names: list[str] = []

    def fill_up(name: str, content: Any, max_length: int | None = None) -> str:
        saved = save(name, content, max_length=max_length)
        names.append(saved)
        if len(names) == 2:
            raise OSError(number, "No space left on device")
        return saved

    monkeypatch.setattr(default_storage, "save", fill_up)
    uploads = [upload(), upload(b"Closed on Sundays.", "sundays.txt")]
    with pytest.raises(StorageFull) as caught:
        services.add_files(actor=owner, bot=bot, uploads=uploads)
    assert (caught.value.code, caught.value.status) == ("storage_full", 507)
    assert not Source.objects.exists()
    assert not SourceFile.objects.exists()
    assert stored_files() == set()
