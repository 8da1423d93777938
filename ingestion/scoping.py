"""What of a site or repository a source reads, and how often."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from botfactory.accounts.access import Actor
from botfactory.accounts.models import Role
from botfactory.errors import Conflict, InvalidInput, NotFound
from bots.knowledge import registry
from ingestion.auditing import audit_source
from ingestion.crawling.scope import MAX_PATTERNS, check_pattern
from ingestion.crawling.types import Reason
from ingestion.models import Document, Page, Source
from ingestion.runs import scheduling
from ingestion.runs.lifecycle import lock_source

MAX_PAGES_LIMIT = 50_000
MAX_DEPTH_LIMIT = 100
MAX_PREFIX_CHARS = 500
# Files and pasted texts change only when somebody uploads them anew.
REFRESHED_KINDS = (Source.Kind.WEBSITE, Source.Kind.REPOSITORY)


@dataclass(frozen=True, slots=True)
class SourceSettings:
    """How a source is read. Patterns are the owner's own words; `path_prefix` empty means the
    folder of the start address, `refresh` empty means only when asked."""

    max_pages: int = 500
    max_depth: int = 20
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    path_prefix: str = ""
    with_subdomains: bool = False
    render_javascript: bool = False
    refresh: str = ""


def default_settings() -> SourceSettings:
    """What a new source starts with on this server."""
    return SourceSettings(max_pages=settings.BOTFACTORY_MAX_PAGES)


def settings_of(source: Source) -> SourceSettings:
    """The settings that a change starts from: `replace(settings_of(source), refresh="daily")`."""
    return SourceSettings(
        max_pages=source.max_pages,
        max_depth=source.max_depth,
        include=tuple(source.include),
        exclude=tuple(source.exclude),
        path_prefix=source.path_prefix,
        with_subdomains=source.with_subdomains,
        render_javascript=source.render_javascript,
        refresh=source.refresh,
    )


def apply_settings(source: Source, changes: SourceSettings) -> None:
    """Sets the checked settings on an instance, which is not saved.

    Raises InvalidInput with the fields to correct.
    """
    checked = _check(changes, source.kind)
    if checked.refresh != source.refresh:
        source.next_refresh_at = scheduling.first_refresh(checked.refresh, now=timezone.now())
    for name, value in asdict(checked).items():
        setattr(source, name, list(value) if isinstance(value, tuple) else value)


@transaction.atomic
def update_source(*, actor: Actor, source: Source, changes: SourceSettings) -> None:
    """Keeps new settings; the next run reads by them.

    Raises InvalidInput, NotFound when the source was deleted, PermissionDenied.
    """
    actor.require(Role.EDITOR)
    locked = _lock(source)
    before = settings_of(locked)
    apply_settings(locked, changes)
    names = [*asdict(changes)]
    if locked.refresh != before.refresh:
        names.append("next_refresh_at")
    if locked.kind == Source.Kind.REPOSITORY and settings_of(locked) != before:
        locked.revision = ""  # the same commit may mean other files now
        names.append("revision")
    locked.save(update_fields=names)
    for name in names:
        setattr(source, name, getattr(locked, name))
    audit_source(actor, "source.update", source)


def exclude_page(*, actor: Actor, source: Source, page_id: int) -> None:
    """Takes one page out of the bot now, and out of every later run.

    Raises NotFound, Conflict when there are too many patterns, VectorStoreUnavailable (nothing has
    changed then), PermissionDenied.
    """
    actor.require(Role.EDITOR)
    page = Page.objects.filter(pk=page_id, run__source=source).first()
    if page is None or source.kind not in REFRESHED_KINDS:
        raise NotFound("There is no such page in this source.", subject=str(page_id))
    pattern = check_pattern(page.url)
    _check_room(source.exclude)
    document = Document.objects.filter(source=source, key=page.url_hash).only("pk").first()
    if document is not None:
        registry.vector_store().delete_document(source.bot_id, document.pk)
    _exclude(actor, source, page=page, pattern=pattern)


@transaction.atomic
def _exclude(actor: Actor, source: Source, *, page: Page, pattern: str) -> None:
    locked = _lock(source)
    if pattern not in locked.exclude:
        _check_room(locked.exclude)
        locked.exclude = [*locked.exclude, pattern]
        locked.save(update_fields=["exclude"])
    source.exclude = locked.exclude
    n_removed, _ = Document.objects.filter(source=source, key=page.url_hash).delete()
    Page.objects.filter(pk=page.pk).update(
        verdict=Page.Verdict.SKIPPED,
        reason=Reason.EXCLUDED,
        detail="",
        change=Page.Change.REMOVED if n_removed else page.change,
        updated_at=timezone.now(),
    )
    audit_source(actor, "source.exclude_page", source, url=page.url[:500])


def _lock(source: Source) -> Source:
    locked = lock_source(source.pk)
    if locked is None:
        raise NotFound(subject=str(source.pk))
    return locked


def _check_room(patterns: list[str]) -> None:
    if len(patterns) >= MAX_PATTERNS:
        raise Conflict(
            f"A source may have at most {MAX_PATTERNS} exclude patterns. Replace some by one that "
            "means a whole folder, like /blog/."
        )


def _check(changes: SourceSettings, kind: str) -> SourceSettings:
    fields: dict[str, list[str]] = {}
    if not 1 <= changes.max_pages <= MAX_PAGES_LIMIT:
        fields["max_pages"] = [f"Give a number of pages from 1 to {MAX_PAGES_LIMIT:,}."]
    if not 0 <= changes.max_depth <= MAX_DEPTH_LIMIT:
        fields["max_depth"] = [f"Give a number of clicks from 0 to {MAX_DEPTH_LIMIT}."]
    if changes.refresh not in Source.Refresh.values:
        fields["refresh"] = ["Choose hourly, daily, weekly, monthly, or nothing."]
    elif changes.refresh and kind not in REFRESHED_KINDS:
        fields["refresh"] = ["Only websites and repositories can be refreshed on a schedule."]
    if len(changes.path_prefix) > MAX_PREFIX_CHARS or "://" in changes.path_prefix:
        fields["path_prefix"] = [
            f"Give a path like /docs/, without the host, of at most {MAX_PREFIX_CHARS} characters."
        ]
    checked = {
        name: _check_patterns(name, getattr(changes, name), fields)
        for name in ("include", "exclude")
    }
    if fields:
        raise InvalidInput(fields=fields)
    return SourceSettings(
        **{**asdict(changes), **checked, "path_prefix": changes.path_prefix.strip()}
    )


def _check_patterns(
    name: str, patterns: tuple[str, ...], fields: dict[str, list[str]]
) -> tuple[str, ...]:
    """The patterns as the crawler reads them; what is wrong goes to `fields`."""
    if len(patterns) > MAX_PATTERNS:
        fields[name] = [f"Give at most {MAX_PATTERNS} patterns."]
        return ()
    checked: list[str] = []
    for pattern in patterns:
        try:
            checked.append(check_pattern(pattern))
        except InvalidInput as exc:
            fields[name] = [f"{pattern[:100]}: {exc.public_message}"]
    return tuple(dict.fromkeys(checked))
