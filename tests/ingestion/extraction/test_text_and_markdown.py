from __future__ import annotations

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
