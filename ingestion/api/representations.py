"""Sources, runs and pages as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from ingestion import selectors
from ingestion.models import IngestionRun, Page, Source
from ingestion.pages import documents_of_pages
from ingestion.reports import explain, explain_page
from ingestion.selectors import Counts

SETTINGS = (
    "max_pages",
    "max_depth",
    "include",
    "exclude",
    "path_prefix",
    "with_subdomains",
    "render_javascript",
    "refresh",
)


class CountsSerializer(serializers.Serializer[Any]):
    found = serializers.IntegerField()
    indexed = serializers.IntegerField()
    skipped = serializers.IntegerField()
    failed = serializers.IntegerField()


class ChangesSerializer(serializers.Serializer[Any]):
    added = serializers.IntegerField()
    changed = serializers.IntegerField()
    removed = serializers.IntegerField()
    held = serializers.IntegerField(
        help_text="Pages that vanished all at once and wait for a decision."
    )


class ErrorSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    message = serializers.CharField()


class RunSerializer(serializers.ModelSerializer[IngestionRun]):
    """One run. Its counts and changes are final when it has ended."""

    counts = serializers.SerializerMethodField()
    changes = serializers.SerializerMethodField()
    error = serializers.SerializerMethodField()

    class Meta:
        model = IngestionRun
        fields = (
            "id",
            "status",
            "trigger",
            "is_retry",
            "started_at",
            "finished_at",
            "counts",
            "changes",
            "error",
        )
        read_only_fields = fields

    @extend_schema_field(CountsSerializer)
    def get_counts(self, run: IngestionRun) -> dict[str, int]:
        return {
            "found": run.n_found,
            "indexed": run.n_indexed,
            "skipped": run.n_skipped,
            "failed": run.n_failed,
        }

    @extend_schema_field(ChangesSerializer)
    def get_changes(self, run: IngestionRun) -> dict[str, int]:
        return {
            "added": run.n_added,
            "changed": run.n_changed,
            "removed": run.n_removed,
            "held": run.n_held,
        }

    @extend_schema_field(ErrorSerializer(allow_null=True))
    def get_error(self, run: IngestionRun) -> dict[str, str] | None:
        code = run.error_code
        return {"code": code, "message": explain(code)} if code else None


class SourceSerializer(serializers.ModelSerializer[Source]):
    """A source with its settings, the counts of this moment, and its latest run."""

    include = serializers.ListField(child=serializers.CharField())
    exclude = serializers.ListField(child=serializers.CharField())
    counts = CountsSerializer(read_only=True)
    error = serializers.SerializerMethodField()
    latest_run = RunSerializer(read_only=True, allow_null=True)

    class Meta:
        model = Source
        fields = (
            "id",
            "kind",
            "name",
            "url",
            "status",
            "counts",
            "error",
            "created_at",
            "ready_at",
            *SETTINGS,
            "next_refresh_at",
            "latest_run",
        )
        read_only_fields = fields

    @extend_schema_field(ErrorSerializer(allow_null=True))
    def get_error(self, source: Source) -> dict[str, str] | None:
        if not source.error_code:
            return None
        return {"code": source.error_code, "message": source.error_message}


class PageSerializer(serializers.ModelSerializer[Page]):
    """One address or file with what became of it."""

    sentence = serializers.SerializerMethodField(help_text="The verdict in words, for people.")

    class Meta:
        model = Page
        fields = ("id", "url", "verdict", "reason", "sentence", "detail", "change", "updated_at")
        read_only_fields = fields

    def get_sentence(self, page: Page) -> str:
        has_ended = page.run.status != IngestionRun.Status.RUNNING
        has_text = page.url_hash in self.context["documents"]
        return explain_page(page, has_ended=has_ended, has_text=has_text)


def shown_pages(pages: Sequence[Page]) -> list[dict[str, Any]]:
    """Pages of one run as JSON, in one query beside theirs."""
    documents = documents_of_pages(pages[0].run.source_id, pages) if pages else {}
    serializer = PageSerializer(pages, many=True, context={"documents": documents})
    return [dict(page) for page in serializer.data]


def shown_sources(sources: Iterable[Source]) -> list[dict[str, Any]]:
    """The sources as JSON, in two queries however many there are."""
    listed = list(sources)
    counts, runs = selectors.counts_of_sources(listed), selectors.latest_runs(listed)
    return [_shown(source, counts[source.pk], runs.get(source.pk)) for source in listed]


def shown_source(source: Source) -> dict[str, Any]:
    """The source as it stands in the database now."""
    source.refresh_from_db()
    return shown_sources([source])[0]


def _shown(source: Source, counts: Counts, run: IngestionRun | None) -> dict[str, Any]:
    source.counts = counts  # type: ignore[attr-defined]
    source.latest_run = run  # type: ignore[attr-defined]
    return dict(SourceSerializer(source).data)
