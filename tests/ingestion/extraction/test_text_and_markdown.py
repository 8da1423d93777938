from __future__ import annotations

import time

import pytest

from ingestion.errors import NoTextFound, TextNotDecodable, TextTooLong
from ingestion.extraction import text
from ingestion.extraction.markdown import extract_markdown
from ingestion.extraction.text import extract_text


def test_plain_text_stays_as_it_is() -> None:
    document = extract_text(b"\xef\xbb\xbf\r\nOpening hours\r\n\r\nMon-Fri 9-17\r\n  indented\r\n")
    assert document.text == "Opening hours\n\nMon-Fri 9-17\n  indented"
    assert document.title == "Opening hours"
    assert extract_text(b"First line\nsecond line").title == ""


def test_text_that_cannot_be_read_is_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NoTextFound):
        extract_text(b" \n\t \xc2\xa0")
    with pytest.raises(TextNotDecodable):
        extract_text(bytes(range(256)) * 4)
    monkeypatch.setattr(text, "MAX_CHARS", 5)
    with pytest.raises(TextTooLong):
        extract_text(b"123456")


def test_front_matter_gives_title_and_language_and_is_not_text() -> None:
    for mark, sign in ((b"---", b":"), (b"+++", b"=")):
        body = (
            mark
            + b"\ntitle"
            + sign
            + b' "Guide"\nlang'
            + sign
            + b" de-AT\n"
            + mark
            + b"\n# Head\nText"
        )
        document = extract_markdown(body)
        assert (document.title, document.language) == ("Guide", "de")
        assert document.text == "# Head\nText"


def test_without_front_matter_the_first_heading_is_the_title() -> None:
    document = extract_markdown(b"Intro <!-- hidden -->\n\n## Set up ##\n---\nText")
    assert document.title == "Set up"
    assert "hidden" not in document.text
    assert extract_markdown(b"--- not front matter").text == "--- not front matter"


def text_of(markdown: str) -> str:
    return extract_markdown(markdown.encode()).text


def test_all_headings_are_written_one_way() -> None:
    text = text_of("One\n===\nText\n\nTwo\n---\n\n### Three ###\n#### Four {#four}\n")
    assert text == "# One\nText\n\n## Two\n\n### Three\n#### Four"


@pytest.mark.parametrize(
    "text", ["- item\n---", "| a | b |\n---", "> quote\n---", "two\nlines\n---", "a\n\n---", "#tag"]
)
def test_not_every_row_of_dashes_makes_a_heading(text: str) -> None:
    assert text_of(f"Intro\n\n{text}") == f"Intro\n\n{text}"


def test_code_is_left_alone() -> None:
    code = "```html\n<!-- kept -->\n<div hidden>kept</div>\nHead\n====\n\n\n\nx\n```"
    assert text_of(f"Intro\n\n{code}") == f"Intro\n\n{code}"
    assert text_of("Use `<div hidden>` and `<!-- x -->`.") == "Use `<div hidden>` and `<!-- x -->`."


@pytest.mark.parametrize(
    "hidden",
    [
        "<!-- SECRET -->",
        "<span style='display: none'>SECRET</span>",
        "<div hidden>\n\nSECRET\n\n</div>",
        "<script>SECRET</script>",
        "<table><tr><td>a</td><td hidden>SECRET</td></tr></table>",
        "<!-- SECRET that never ends",
    ],
)
def test_hidden_parts_of_markdown_are_not_text(hidden: str) -> None:
    text = text_of(f"Before\n\n{hidden}")
    assert "SECRET" not in text
    assert text.startswith("Before")


def test_html_in_markdown_becomes_markdown() -> None:
    assert text_of("<h1 align=center>Hello <b>you</b></h1>\n\n<p align=center>Text</p>") == (
        "# Hello you\n\nText"
    )
    assert text_of("<table><tr><th>A</th><th>B</th></tr><tr><td>1</td><td>2</td></tr></table>") == (
        "| A | B |\n| --- | --- |\n| 1 | 2 |"
    )
    kept = "Pass <your-name> to List<T>, see <https://example.org>."
    assert text_of(kept) == kept


@pytest.mark.parametrize(
    "flood", ["<table>", "`", "<!--", "<div hidden ", "`a ", "<span hidden>", "<b ", "---\n", "- "]
)
def test_floods_of_marks_are_read_in_one_pass(flood: str) -> None:
    started_s = time.process_time()
    assert text_of("x\n" + flood * 50_000)
    assert time.process_time() - started_s < 5
