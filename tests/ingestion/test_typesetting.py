"""How the text of a chunk is shown."""

from __future__ import annotations

import pytest

from ingestion.typesetting import typeset

CODE = '<code class="chunk-code">'


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("Open from nine.\n\nAnd to six.", "Open from nine.\n\nAnd to six."),
        ("Run:\n\n```sql\nSELECT 1;\n```\n\nThen", f"Run:{CODE}SELECT 1;</code>Then"),
        ("Days:\n\n| a | b |\n| - | - |", f"Days:{CODE}| a | b |\n| - | - |</code>"),
        ("Then:\n\n```\n a | b\n---+---", f"Then:{CODE} a | b\n---+---</code>"),
        (" 1 | 2\n(1 row)\n```", f"{CODE} 1 | 2\n(1 row)</code>"),
        (" 1 | 2\n```\n\nThen\n\n```\nx\n```", f"{CODE} 1 | 2</code>Then{CODE}x</code>"),
        ("~~~\n<b>\n~~~", f"{CODE}&lt;b&gt;</code>"),
    ],
)
def test_code_and_tables_stand_in_columns(text: str, html: str) -> None:
    assert typeset(text, []) == html


def test_words_are_marked_in_prose_and_code() -> None:
    marked = typeset("A row.\n\n```\nrow <x>\n```", ["row"])
    assert marked == f"A <mark>row</mark>.{CODE}<mark>row</mark> &lt;x&gt;</code>"


def test_text_cannot_bring_markup_of_its_own() -> None:
    assert "<script" not in typeset("<script>\n\n```\n<script>\n```\n| <script> |", ["script"])
