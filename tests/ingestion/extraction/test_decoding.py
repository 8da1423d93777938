from __future__ import annotations

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.errors import TextNotDecodable
from ingestion.extraction.decoding import clean_text, decode_html, decode_text

GERMAN = "Die Größe der Tür ist übrigens veränderlich."
CHINESE = "这是一个关于机器人的页面,内容很简单。我们在这里写一些文字。"
JAPANESE = "これはロボットについてのページです。日本語の文章を書きます。"


@pytest.mark.parametrize(
    ("text", "encoding", "charset"),
    [
        (GERMAN, "utf-8", None),
        (GERMAN, "utf-8-sig", "iso-8859-1"),
        (GERMAN, "cp1252", None),
        (GERMAN, "cp1252", "iso-8859-1"),
        (GERMAN, "cp1252", "utf-8"),
        (GERMAN, "utf-8", "no-such-charset"),
        (GERMAN, "utf-8", "utf-7"),
        (GERMAN, "utf-8", "base64"),
        (GERMAN, "utf-16", None),
        (GERMAN, "utf-16-le", None),
        (GERMAN, "utf-16-be", None),
        (CHINESE, "gb18030", None),
        (CHINESE, "gb18030", "gb2312"),
        (CHINESE, "utf-8", "gb2312"),
        (GERMAN, "utf-8", "iso-8859-1"),
        (GERMAN, "utf-16-be", "utf-16"),
        (GERMAN, "utf-16-le", "utf-16"),
        (JAPANESE, "iso-2022-jp", "iso-2022-jp"),
        (JAPANESE, "cp932", "shift_jis"),
        (JAPANESE, "euc-jp", "euc-jp"),
    ],
)
def test_pages_are_read_though_their_header_may_lie(
    text: str, encoding: str, charset: str | None
) -> None:
    assert decode_html(text.encode(encoding), charset=charset) == text


def test_the_header_goes_before_the_meta_tag_and_that_before_guessing() -> None:
    page = '<meta charset="koi8-r"><p>Привет, мир'
    assert decode_html(page.encode("koi8-r"), charset=None) == page
    assert decode_html(page.encode("cp1251"), charset="windows-1251") == page
    old = '<META http-equiv=Content-Type content="text/html; charset=windows-1251"><p>Привет'
    assert decode_html(old.encode("cp1251"), charset=None) == old


def test_a_broken_character_does_not_change_the_encoding() -> None:
    body = (GERMAN * 20).encode()
    assert GERMAN in decode_html(body[:-1] + b"\xe2\x82", charset=None)
    assert GERMAN in decode_text(body[:100] + b"\xff" + body)


@given(st.binary(max_size=300), st.sampled_from([None, "utf-8", "utf-16", "gbk", "x", "\x00", "é"]))
def test_any_bytes_give_a_page(body: bytes, charset: str | None) -> None:
    assert clean_text(decode_html(body, charset=charset)).encode("utf-8") is not None


@given(st.binary(max_size=300))
def test_any_file_gives_text_or_a_typed_error(body: bytes) -> None:
    try:
        text = clean_text(decode_text(body))
    except TextNotDecodable:
        return
    assert "\x00" not in text


def test_binary_files_are_no_text() -> None:
    with pytest.raises(TextNotDecodable):
        decode_text(bytes(range(256)) * 20)
    with pytest.raises(TextNotDecodable):
        decode_text(b"\x01\x02\x03\x80" * 100)


def test_unseen_characters_and_line_styles_are_cleaned() -> None:
    assert clean_text("a\x00b\u200bc\u202ed\r\ne\rf\ud800\U000e0041\x1bg\th") == "abcd\ne\nf?g\th"
    assert decode_text(codecs.BOM_UTF8 + b"x") == "x"
