"""Words that people look for, and their marks in a text."""

from __future__ import annotations

import pytest
from django.utils.safestring import SafeString

from bots.models import Bot
from ingestion.documents import chunks_of_document
from ingestion.searching import highlight, words_of
from tests.ingestion.reading import make_document, make_source


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("", []),
        ("  ", []),
        ("green  tea", ["green", "tea"]),
        ('"green tea" cup', ["green tea", "cup"]),
        ('"', ['"']),
        ('""', ['""']),
        ('" "', []),
        ("tea tea", ["tea"]),
        ("a\x00b", ["ab"]),
        ("a b c d e f g h i j", ["a", "b", "c", "d", "e", "f", "g", "h"]),
    ],
)
def test_a_search_is_words_and_quoted_phrases(query: str, words: list[str]) -> None:
    assert words_of(query) == words


@pytest.mark.parametrize(
    ("text", "words", "html"),
    [
        ("Green tea", ["tea"], "Green <mark>tea</mark>"),
        ("Tea and TEA", ["tea"], "<mark>Tea</mark> and <mark>TEA</mark>"),
        ("<b>tea</b>", ["tea"], "&lt;b&gt;<mark>tea</mark>&lt;/b&gt;"),
        ("a <b> c", ["<b>"], "a <mark>&lt;b&gt;</mark> c"),
        ("a & b", ["amp"], "a &amp; b"),
        ("f(x) = {y}", ["f(x)", "{y}"], "<mark>f(x)</mark> = <mark>{y}</mark>"),
        ("teapot", ["tea", "teapot"], "<mark>teapot</mark>"),
        ("nothing", [], "nothing"),
        ("", ["tea"], ""),
    ],
)
def test_words_are_marked_and_everything_else_is_text(
    text: str, words: list[str], html: str
) -> None:
    marked = highlight(text, words)
    assert marked == html
    assert isinstance(marked, SafeString)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("query", "n_found"),
    [
        ("TEA", 1),
        ("öffnung", 1),
        ("ÖFFNUNG", 1),
        ("tea coffee", 0),
        ("100%", 1),
        ("1_0", 0),
        ('"green tea"', 1),
        ('"tea green"', 0),
    ],
)
def test_words_are_found_in_any_case_and_none_is_a_pattern(
    bot: Bot, query: str, n_found: int
) -> None:
    document = make_document(make_source(bot), "Tea", "Green tea, 100% pure. Öffnungszeiten.")
    assert chunks_of_document(document, words=words_of(query)).count() == n_found
