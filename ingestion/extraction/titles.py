"""The title of a page: the one of its own claims that another of them confirms."""

from __future__ import annotations

import re
from typing import Any

from ingestion.extraction.decoding import clean_text

MAX_TITLE_CHARS = 300
MIN_HEADING_SHARE = 0.3
_SEPARATOR = re.compile(r"\s+[|\-\u2013\u2014·•»«:]{1,2}\s+|\s*[|»]\s*|:\s+")
_ANCHOR = re.compile(r"\s*[¶#🔗§]+\s*$")
_WORDS = re.compile(r"\w+")


def title_of(root: Any) -> str:
    """The title without the name of the site; empty when the page states none."""
    shared = _first(root.xpath("//meta[@property='og:title']/@content"))
    document = _first(
        "".join(one.itertext()) for one in root.xpath("(/html/head//title|//title)[1]")
    )
    headings = [bare for one in root.xpath("(//h1)[position() <= 3]") if (bare := _heading(one))]
    confirmed = [one for one in headings if _confirms(shared, one) or _confirms(document, one)]
    if confirmed:
        return max(confirmed, key=len)[:MAX_TITLE_CHARS]
    stated = shared or document
    of_content = root.xpath("//h1[ancestor::main or ancestor::article]")
    if len(of_content) == 1 and not shared and (heading := _heading(of_content[0])):
        return heading[:MAX_TITLE_CHARS]
    site = _first(root.xpath("//meta[@property='og:site_name']/@content"))
    if stated:
        return _without_site(stated, site)[:MAX_TITLE_CHARS]
    return headings[0][:MAX_TITLE_CHARS] if headings else ""


def _heading(element: Any) -> str:
    return _bare("".join(element.itertext()))


def _confirms(stated: str, heading: str) -> bool:
    """True when `stated` is the heading, with little around it: a logo is often a heading too."""
    words, all_words = _words(heading), _words(stated)
    return f" {words} " in f" {all_words} " and len(words) >= MIN_HEADING_SHARE * len(all_words)


def _without_site(title: str, site: str) -> str:
    for found in _SEPARATOR.finditer(title):
        before, after = title[: found.start()], title[found.end() :]
        if site and before and _words(after) == _words(site):
            return before
        if site and after and _words(before) == _words(site):
            return after
    return title


def _first(texts: Any) -> str:
    return next((bare for text in texts if (bare := _bare(text))), "")


def _bare(text: str) -> str:
    return _ANCHOR.sub("", " ".join(clean_text(str(text)).split()))


def _words(text: str) -> str:
    return " ".join(_WORDS.findall(text.lower()))
