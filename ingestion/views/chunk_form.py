"""The form in which a member corrects a chunk."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from ingestion.chunk_edits import MAX_TEXT_CHARS
from ingestion.models import Chunk


class ChunkForm(forms.Form):
    """`seen` names the text that the member began with, so that nobody overwrites another's work.

    The page sends `digest` as `seen`, whatever was sent before.
    """

    text = forms.CharField(
        max_length=MAX_TEXT_CHARS,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 12}),
        help_text="Plain text or Markdown. The bot answers from this instead of the original.",
    )
    seen = forms.CharField(required=False, max_length=64)

    def __init__(self, chunk: Chunk, data: Mapping[str, Any] | None = None) -> None:
        self.digest = sha256(chunk.shown_text.encode("utf-8", "replace")).hexdigest()
        super().__init__(data, initial={"text": chunk.shown_text})

    def clean_seen(self) -> str:
        seen: str = self.cleaned_data["seen"]
        if seen and seen != self.digest:
            raise ValidationError(
                "Somebody else changed this chunk while you wrote. Its present text stands below: "
                "save again to replace it with yours."
            )
        return seen
