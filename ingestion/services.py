"""Changes to sources: what a person or program may do to a bot's knowledge."""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from ipaddress import ip_address
from itertools import count
from pathlib import PurePath
from typing import IO

from django.conf import settings
from django.core.files.base import ContentFile, File
from django.db import transaction
from django.utils import timezone
from yarl import URL

from botfactory.accounts.access import Actor
from botfactory.accounts.models import Role
from botfactory.errors import InvalidInput
from botfactory.lib import outgoing, safe_http
from botfactory.lib.queue import enqueue_on_commit
from bots.models import Bot
from ingestion import question_answers
from ingestion.auditing import audit_source
from ingestion.errors import FileEmpty, FileTooLarge, StorageFull
from ingestion.models import Source, SourceFile, upload_path
from ingestion.repositories import RepositoryLimits, parse_address
from ingestion.scoping import SourceSettings, apply_settings, default_settings

MAX_FILES_PER_SOURCE = 100
MAX_NAME_CHARS = 255
MAX_SUFFIX_CHARS = 20


@dataclass(frozen=True, slots=True)
class Upload:
    """One file as it came: `name` is the person's own and only for display."""

    name: str
    content: IO[bytes]
    size: int


def add_website(
    *,
    actor: Actor,
    bot: Bot,
    url: str,
    max_pages: int | None = None,
    changes: SourceSettings | None = None,
) -> Source:
    """A queued source, read by `changes` or else by the server's defaults; `max_pages` wins.

    Raises UrlInvalid, UrlNotAllowed, InvalidInput, PermissionDenied.
    """
    actor.require(Role.EDITOR)
    address = _website_address(url)
    chosen = changes or default_settings()
    if max_pages is not None:
        chosen = replace(chosen, max_pages=max_pages)
    source = Source(bot=bot, kind=Source.Kind.WEBSITE, name=address[:300], url=address)
    apply_settings(source, chosen)
    return _queue(source, actor)


def add_repository(*, actor: Actor, bot: Bot, url: str, refresh: str = "") -> Source:
    """A queued source for the repository, or the part of one, that a pasted address means.

    Raises RepositoryAddressInvalid, UrlNotAllowed, InvalidInput, PermissionDenied.
    """
    actor.require(Role.EDITOR)
    address = parse_address(url)
    _check_host(URL(address.origin))
    is_part = address.ref or address.folder
    name = f"{address.path} ({address.folder or address.ref})" if is_part else address.path
    source = Source(
        bot=bot,
        kind=Source.Kind.REPOSITORY,
        name=name[:300],
        url=url.strip() if is_part else address.url,
    )
    max_files = max(settings.BOTFACTORY_MAX_PAGES, RepositoryLimits().max_files)
    apply_settings(source, replace(default_settings(), max_pages=max_files, refresh=refresh))
    return _queue(source, actor)


def add_files(*, actor: Actor, bot: Bot, uploads: Sequence[Upload]) -> Source:
    """A queued source of one or more files; the same file twice counts once.

    Raises InvalidInput, FileTooLarge, FileEmpty, StorageFull, PermissionDenied; then nothing is
    kept.
    """
    actor.require(Role.EDITOR)
    if not 1 <= len(uploads) <= MAX_FILES_PER_SOURCE:
        message = f"Choose 1 to {MAX_FILES_PER_SOURCE} files."
        raise InvalidInput(fields={"file": [message]})
    for upload in uploads:
        _check_size(upload)
    name = (
        uploads[0].name if len(uploads) == 1 else f"{uploads[0].name} and {len(uploads) - 1} more"
    )
    source = Source(bot=bot, kind=Source.Kind.FILE, name=name[:300])
    return _queue(source, actor, uploads)


def add_text(*, actor: Actor, bot: Bot, title: str, text: str, url: str = "") -> Source:
    """A queued source of pasted text.

    Raises InvalidInput, UrlInvalid, StorageFull, PermissionDenied.
    """
    actor.require(Role.EDITOR)
    if not text.strip():
        raise InvalidInput(fields={"text": ["Paste some text."]})
    address = str(safe_http.parse_url(url)) if url else ""
    body = text.encode("utf-8", "replace")
    upload = Upload(name=title or "Text", content=ContentFile(body), size=len(body))
    _check_size(upload)
    source = Source(bot=bot, kind=Source.Kind.TEXT, name=(title or "Text")[:300], url=address)
    return _queue(source, actor, [upload])


def delete_source(*, actor: Actor, source: Source) -> None:
    """Hides the source now; a task removes its points, then its rows and files."""
    from ingestion.tasks import purge_source

    actor.require(Role.EDITOR)
    with transaction.atomic():
        Source.objects.filter(pk=source.pk).update(deleted_at=timezone.now())
        if source.kind == Source.Kind.QUESTION_ANSWERS:
            question_answers.delete_all(source.bot)
        audit_source(actor, "source.delete", source)
        enqueue_on_commit(purge_source, source.pk)


def retry_source(*, actor: Actor, source: Source) -> None:
    """Starts a new run over a source that is not running. Raises PermissionDenied."""
    from ingestion.tasks import sync_source

    actor.require(Role.EDITOR)
    with transaction.atomic():
        changed = Source.objects.filter(
            pk=source.pk, status__in=[Source.Status.READY, Source.Status.FAILED]
        ).update(status=Source.Status.QUEUED, error_code="", error_message="")
        if changed:
            audit_source(actor, "source.retry", source)
            enqueue_on_commit(sync_source, source.pk)


def _website_address(url: str) -> str:
    """Raises UrlInvalid, and UrlNotAllowed at once for a numeric host that is never dialled.

    Names are judged at the socket alone: what they lead to may change between now and the crawl.
    """
    address = safe_http.parse_url(url if "://" in url else f"https://{url}")
    _check_host(address)
    return str(address)


def _check_host(address: URL) -> None:
    host = address.host or ""
    if _is_numeric(host):
        safe_http.check_address(host, address.port or 0, outgoing.people_policy())


def _is_numeric(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _check_size(upload: Upload) -> None:
    if upload.size == 0:
        raise FileEmpty(subject=upload.name)
    if upload.size > settings.BOTFACTORY_MAX_FILE_BYTES:
        megabytes = settings.BOTFACTORY_MAX_FILE_BYTES // 1_000_000
        raise FileTooLarge(
            f"The file is larger than {megabytes} MB. Split it into smaller files.",
            subject=upload.name,
        )


def _queue(source: Source, actor: Actor, uploads: Sequence[Upload] = ()) -> Source:
    from ingestion.tasks import sync_source

    stored: list[SourceFile] = []
    try:
        with transaction.atomic():
            source.save(force_insert=True)
            for upload in uploads:
                if (file := _store(source, upload)) is not None:
                    stored.append(file)
            audit_source(actor, "source.create", source, kind=source.kind)
            enqueue_on_commit(sync_source, source.pk)
    except BaseException:
        for file in stored:
            file.file.delete(save=False)
        raise
    return source


def _store(source: Source, upload: Upload) -> SourceFile | None:
    digest = hashlib.sha256()
    while block := upload.content.read(1 << 20):
        digest.update(block)
    upload.content.seek(0)
    sha256 = digest.hexdigest()
    if source.files.filter(sha256=sha256).exists():
        return None
    name = _free_name(source, upload.name)
    file = SourceFile(source=source, name=name, sha256=sha256, size=upload.size)
    _write(file, upload)
    file.save(force_insert=True)
    return file


def _write(file: SourceFile, upload: Upload) -> None:
    """Raises StorageFull; then no part of the file is left behind."""
    try:
        file.file.save(str(file.pk), File(upload.content), save=False)
    except OSError as exc:
        with suppress(OSError):
            file.file.storage.delete(upload_path(file, ""))
        if exc.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageFull(subject=upload.name) from exc
        raise


def _free_name(source: Source, name: str) -> str:
    """`name`, or `name (2)` and so on: within a source a name identifies a file and its text."""
    taken = frozenset(source.files.values_list("name", flat=True))
    suffix = PurePath(name).suffix[-MAX_SUFFIX_CHARS:]
    stem = name.removesuffix(suffix)
    for number in count(1):
        ending = suffix if number == 1 else f" ({number}){suffix}"
        free = stem[: MAX_NAME_CHARS - len(ending)] + ending
        if free not in taken:
            break
    return free
