from __future__ import annotations

import pytest

from ingestion.crawling.canonical import Address, page_id
from ingestion.crawling.hreflang import choose_version

SITE = "https://example.com"
VERSIONS = ("x-default /", "en /en", "en-gb /en-gb", "de /de", "zh-cn /cn", "zh-tw /tw")


def choose(own: str, language: str = "", versions: tuple[str, ...] = VERSIONS) -> str | None:
    pairs = [(tag, Address.of(SITE + path)) for tag, path in (one.split() for one in versions)]
    chosen = choose_version(page_id(SITE + own), language, pairs)
    return chosen.url.removeprefix(SITE) if chosen else None


@pytest.mark.parametrize("own", ["/en", "/en-gb"])
def test_of_one_language_the_plain_version_is_kept(own: str) -> None:
    assert choose(own) == "/en"


@pytest.mark.parametrize("own", ["/de", "/cn", "/tw"])
def test_other_languages_are_pages_of_their_own(own: str) -> None:
    assert choose(own) == own


def test_the_page_for_everybody_gives_way_to_the_version_in_its_language() -> None:
    assert choose("/", language="en-us") == "/en"
    assert choose("/", language="fr") is None
    assert choose("/") is None


def test_the_version_that_the_site_prefers_is_kept_whichever_page_is_looked_at() -> None:
    versions = ("en-us /us", "en-gb /gb", "x-default /gb")
    assert choose("/us", versions=versions) == choose("/gb", versions=versions) == "/gb"
    turned = versions[::-1]
    assert choose("/us", versions=turned) == "/gb"


def test_scripts_of_one_language_are_told_apart() -> None:
    versions = ("sr-latn /latin", "sr-cyrl /cyrillic")
    assert choose("/latin", versions=versions) == "/latin"
    assert choose("/cyrillic", versions=versions) == "/cyrillic"


def test_a_page_that_does_not_list_itself_is_left_alone() -> None:
    assert choose("/elsewhere", language="en") is None
    assert choose("/en", versions=()) is None
