"""The text that was read, and the chunks it is found by."""

from __future__ import annotations

from uuid import uuid4

from django.db import models
from django.db.models import F, Q

from ingestion.models.sources import Source


class Document(models.Model):
    """The text of one page or file; `indexed_version` follows `version` when points are stored.

    `body_hash` is that of the bytes the text came from: the same bytes need not be read again.
    Where it is empty they are, whatever the site says. `is_kept` marks a page that a member wants
    to keep although its site does not show it any more.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="documents")
    key = models.CharField(max_length=64)
    url = models.TextField(blank=True)
    title = models.CharField(max_length=500, blank=True)
    language = models.CharField(max_length=10, blank=True)
    text = models.TextField()
    page_starts = models.JSONField(default=list)
    content_hash = models.CharField(max_length=64)
    etag = models.CharField(max_length=300, blank=True)
    last_modified = models.CharField(max_length=100, blank=True)
    body_hash = models.CharField(max_length=64, blank=True)
    is_kept = models.BooleanField(default=False)
    version = models.PositiveIntegerField(default=1)
    indexed_version = models.PositiveIntegerField(default=0)
    claimed_at = models.DateTimeField(null=True)
    index_attempts = models.PositiveSmallIntegerField(default=0)
    error_code = models.CharField(max_length=60, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["source", "key"], name="document_once_per_source")
        ]
        indexes = [
            models.Index(fields=["source", "content_hash"], name="document_by_content"),
            models.Index(fields=["source", "title", "id"], name="document_by_title"),
            models.Index(
                fields=["source"],
                name="document_to_index",
                condition=Q(indexed_version__lt=F("version"), error_code=""),
            ),
        ]

    def __str__(self) -> str:
        return self.title or self.url


class Chunk(models.Model):
    """A piece of a document as it stands in the vector store: `id` is also the point's id.

    A member may edit it (`edited_text` then stands in for `text`) or disable it (then it has no
    point); `edited_at` is when either happened last. `needs_index` is set until the vector store
    has heard of the change.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="chunks")
    version = models.PositiveIntegerField()
    ordinal = models.PositiveIntegerField()
    text = models.TextField()
    edited_text = models.TextField(blank=True)
    edited_at = models.DateTimeField(null=True)
    is_enabled = models.BooleanField(default=True)
    needs_index = models.BooleanField(default=False)
    heading_path = models.JSONField(default=list)
    page = models.PositiveIntegerField(null=True)
    char_start = models.PositiveIntegerField()
    char_end = models.PositiveIntegerField()

    class Meta:
        ordering = ["ordinal"]
        constraints = [
            models.UniqueConstraint(
                fields=["document", "version", "ordinal"], name="chunk_once_per_version"
            )
        ]
        indexes = [
            models.Index(fields=["document"], name="chunk_to_index", condition=Q(needs_index=True)),
            models.Index(
                fields=["document"],
                name="chunk_changed",
                condition=~Q(edited_text="") | Q(is_enabled=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.document_id} v{self.version} #{self.ordinal}"

    @property
    def shown_text(self) -> str:
        """The text that bots answer from."""
        return self.edited_text or self.text


class StaleEdit(models.Model):
    """What a member had made of a chunk whose text its document no longer holds.

    Kept until somebody has seen it: nothing that a person wrote is lost without a word.
    `edited_text` is empty where the chunk was only disabled.
    """

    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="stale_edits")
    text = models.TextField()
    edited_text = models.TextField(blank=True)
    is_enabled = models.BooleanField(default=True)
    edited_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.document_id} #{self.pk}"
