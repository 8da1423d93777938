from __future__ import annotations

import pytest
from multidict import CIMultiDict

from ingestion.crawling.links import MAX_LINKS, PageFacts, join_link, read_page
from ingestion.errors import PageTooComplex


def read(html: str, path: str = "/x", **headers: str) -> PageFacts:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return read_page(html.encode(), headers=named, path=path)


def test_links_base_and_canonical_are_found_as_written() -> None:
    facts = read(
        "<head><base href='/docs/'><link rel='canonical' href='/docs/a'></head>"
        "<a href=' b '>1</a><a href='b'>2</a><a href='#top'>3</a><a>4</a>"
        "<map><area href='c'></map><a rel='nofollow' href='d'>5</a><!-- <a href='e'> -->"
    )
    assert facts.links == ("b", "c")
    assert facts.base == "/docs/"
    assert facts.canonical == "/docs/a"
    assert not facts.is_noindex
    assert not facts.is_nofollow


@pytest.mark.parametrize(
    ("content", "noindex", "nofollow"),
    [
        ("NoIndex, Follow", True, False),
        ("nofollow", False, True),
        ("none", True, True),
        ("index, follow, max-image-preview:none", False, False),
    ],
)
def test_robots_rules_of_a_page_count_in_meta_and_header(
    content: str, noindex: bool, nofollow: bool
) -> None:
    for facts in (
        read(f"<meta name=ROBOTS content='{content}'><p>x"),
        read("<p>x", X_Robots_Tag=content),
    ):
        assert (facts.is_noindex, facts.is_nofollow) == (noindex, nofollow)


def test_places_on_one_page_are_one_link() -> None:
    index = "".join(f"<a href='page.html#entry-{n}'>x</a>" for n in range(MAX_LINKS + 100))
    facts = read(index + "<a href='other.html'>y</a>")
    assert facts.links == ("page.html", "other.html")
    assert facts.n_cut_links == 0


def test_rules_for_other_programs_are_not_ours() -> None:
    headers = CIMultiDict(
        [("X-Robots-Tag", "googlebot: noindex, nofollow"), ("X-Robots-Tag", "noarchive, nosnippet")]
    )
    facts = read_page(b"<meta name=googlebot content=noindex>", headers=headers, path="/")
    assert not facts.is_noindex
    headers.add("X-Robots-Tag", "otherbot: nofollow, BotFactory: noindex")
    facts = read_page(b"<p>x", headers=headers, path="/")
    assert facts.is_noindex
    assert not facts.is_nofollow


@pytest.mark.parametrize(
    ("content", "target"),
    [
        ("0; url=/new", "/new"),
        ("0;URL='/new'", "/new"),
        ("3,/new", "/new"),
        ("0", None),
        ("30; url=/new", None),
        ("soon; url=/new", None),
    ],
)
def test_a_refresh_at_once_is_where_the_page_leads(content: str, target: str | None) -> None:
    assert read(f'<meta http-equiv=Refresh content="{content}">').refresh == target
    assert (
        read(f'<noscript><meta http-equiv=refresh content="{content}"></noscript>').refresh is None
    )


def test_the_original_may_stand_in_a_header_and_versions_have_languages() -> None:
    facts = read(
        "<html lang=EN-gb><link rel=alternate hreflang=DE href=/de>"
        "<link rel=alternate type=rss href=/feed><p>x",
        Link='<https://example.com/a>; rel="canonical"',
    )
    assert facts.canonical == "https://example.com/a"
    assert facts.alternates == (("de", "/de"),)
    assert facts.language == "en-gb"


@pytest.mark.parametrize("html", ["", "   ", "\x00", "<!-- unclosed", "just text", "<"])
def test_pages_without_markup_have_no_links(html: str) -> None:
    assert read(html).links == ()


def test_the_number_of_links_is_capped_and_hostile_markup_is_refused() -> None:
    many = "".join(f"<a href='/{n}'>x</a>" for n in range(MAX_LINKS + 100))
    assert len(read(many).links) == MAX_LINKS
    assert read(many).n_cut_links == 100
    with pytest.raises(PageTooComplex):
        read("<div>" * 100_000)


def test_deeply_nested_pages_still_give_their_links() -> None:
    assert read("<div>" * 1_000 + "<a href='x'>x</a>").links == ("x",)


@pytest.mark.parametrize(
    ("link", "joined"),
    [
        ("/a/b.html", "https://example.com/a/b.html"),
        ("/a/../b", "https://example.com/b"),
        ("//other.example/x", "https://other.example/x"),
        ("b?c=1#d", "https://example.com/docs/b?c=1"),
        ("http://[broken", ""),
        (None, "https://example.com/docs/x"),
    ],
)
def test_links_are_joined_as_browsers_do(link: str | None, joined: str) -> None:
    assert join_link("https://example.com/docs/x", link) == joined
