"""From bytes to text, for pages and files that may lie about their encoding."""

from __future__ import annotations

import codecs
import re

from ingestion.errors import TextNotDecodable

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Browsers read these names as the larger encoding, and pages rely on it.
_LARGER = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "big5": "big5hkscs",
}
_NEVER = frozenset({"utf-7", "idna", "punycode", "unicode_escape", "raw_unicode_escape", "mbcs"})
_META = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]{2,30})", re.I)
_INVISIBLE = re.compile("[\u200b\u2060\ufeff\u00ad\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f]")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x9f\ufffe\uffff]")
_FOREIGN = re.compile(r"[^\x00-\x7f]+")
_SAMPLE_BYTES = 2_000
_GUESS_BYTES = 20_000
_UNLIKELY = ["utf_7", "utf_16", "utf_32", "cp037", "cp500", "cp1026", "cp1140", "cp273", "cp424"]
_MAX_BROKEN_SHARE = 0.02


def decode_html(body: bytes, *, charset: str | None) -> str:
    """The page's text: byte order mark, UTF-8 where it can be nothing else, then header, then meta,
    then what fits. Never fails."""
    if (marked := _decode_marked(body)) is not None:
        return marked
    # No other encoding gives valid UTF-8 by chance, while servers name a wrong one by default.
    if not body.isascii() and (text := _decode_utf8(body)) is not None:
        return text
    meta = _META.search(body[:4096])
    for declared in (charset, meta[1].decode() if meta else None):
        name = _codec_name(declared, body)
        if name and (text := _decode_mostly(body, name)) is not None:
            return text
    return _decode_unmarked(body) or body.decode("cp1252", errors="replace")


def decode_text(body: bytes) -> str:
    """The text of a plain file.

    Raises: TextNotDecodable for bytes that are no text in any usual encoding.
    """
    if (marked := _decode_marked(body)) is not None:
        return marked
    text = _decode_unmarked(body)
    if text is None and b"\x00" not in body:
        text = body.decode("cp1252", errors="replace")
    if text is None or len(_CONTROL.findall(text)) > max(8, len(text) * _MAX_BROKEN_SHARE):
        raise TextNotDecodable
    return text


def clean_text(text: str) -> str:
    """The text without characters that nobody sees or that databases refuse, in one line style."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = _CONTROL.sub("", _INVISIBLE.sub("", text))
    return text.encode("utf-8", errors="replace").decode("utf-8")


def _decode_marked(body: bytes) -> str | None:
    for mark, name in _BOMS:
        if body.startswith(mark):
            return body[len(mark) :].decode(name, errors="replace")
    return None


def _decode_unmarked(body: bytes) -> str | None:
    sample = body[:_SAMPLE_BYTES]
    if sample.count(0) > len(sample) // 5:
        return _decode_mostly(body, _utf16_order(body))
    if body.isascii():
        return body.decode("ascii")
    if (text := _decode_utf8(body)) is not None:
        return text
    return _decode_by_statistics(body)


def _utf16_order(body: bytes) -> str:
    sample = body[:_SAMPLE_BYTES]
    is_little = sample[1::2].count(0) > sample[0::2].count(0)
    return "utf-16-le" if is_little else "utf-16-be"


def _decode_utf8(body: bytes) -> str | None:
    """None for bytes that are not UTF-8; a cut or broken character here and there is no reason."""
    if 0 in body[:_SAMPLE_BYTES]:
        return None
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        text = body.decode("utf-8", errors="replace")
    n_broken = text.count("\ufffd")
    n_foreign = sum(map(len, _FOREIGN.findall(text[:_GUESS_BYTES]))) - n_broken
    return text if n_broken * 50 < n_foreign else None


def _decode_by_statistics(body: bytes) -> str | None:
    from charset_normalizer import from_bytes

    best = from_bytes(body[:_GUESS_BYTES], cp_exclusion=_UNLIKELY).best()
    return None if best is None else _decode_mostly(body, best.encoding)


def _decode_mostly(body: bytes, name: str) -> str | None:
    text = body.decode(name, errors="replace")
    return text if text.count("\ufffd") <= max(3, len(text) * _MAX_BROKEN_SHARE) else None


def _codec_name(declared: str | None, body: bytes) -> str | None:
    try:
        info = codecs.lookup(declared or "utf-8")
    except (LookupError, ValueError, UnicodeError):
        return None
    if declared is None or info.name in _NEVER or not info._is_text_encoding:
        return None
    if info.name == "utf-16":  # without a mark; Python would take the order of this machine
        return _utf16_order(body)
    return _LARGER.get(info.name, info.name)
