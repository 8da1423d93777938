"""Which of a page's language versions is kept.

Versions in other languages are pages of their own: visitors ask in theirs. Several addresses in one
language (`en`, `en-us`, `en-gb`, and an `x-default` beside them) are one page with small changes,
which would fill every answer with repetitions; one of them is kept, the same whichever page is
looked at. Scripts of one language, and the regions of Chinese, are told apart: they are written in
other characters.
"""

from __future__ import annotations

from collections.abc import Sequence

from ingestion.crawling.canonical import Address

_ANY = "x-default"


def choose_version(
    own_id: int, page_language: str, alternates: Sequence[tuple[str, Address]]
) -> Address | None:
    """The address to keep of those in this page's language; None when the page says nothing.

    `alternates` are pairs of a lower-case language tag and an address, as the page lists them;
    `page_language` (of the `html` element) counts for a page that stands there as `x-default` only.
    """
    own = next((tag for tag, one in alternates if one.page_id == own_id and tag != _ANY), "")
    is_listed = any(one.page_id == own_id for _, one in alternates)
    language = _language(own or page_language)
    if not is_listed or not language:
        return None
    default_ids = {one.page_id for tag, one in alternates if tag == _ANY}
    same = [(tag, one) for tag, one in alternates if tag != _ANY and _language(tag) == language]
    ranked = sorted(same, key=lambda it: (it[1].page_id not in default_ids, len(it[0]), *_key(it)))
    return ranked[0][1] if ranked else None


def _key(version: tuple[str, Address]) -> tuple[str, str]:
    return version[0], version[1].url


def _language(tag: str) -> str:
    """The part of a tag that says how a text is written: `en`, `sr-latn`, `zh-tw`."""
    language, *rest = tag.replace("_", "-").split("-")
    if language == "zh":
        return tag
    script = next((one for one in rest if len(one) == 4 and one.isalpha()), "")
    return f"{language}-{script}" if script else language
