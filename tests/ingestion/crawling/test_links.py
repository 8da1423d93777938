from __future__ import annotations

import pytest

from ingestion.crawling.links import MAX_LINKS, PageFacts, read_page
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


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("404 Not Found", True),
        ("Error 404 - Shop", True),
        ("Page not found | Example", True),
        ("Just a moment...", True),
        ("Handling 404 errors in Django", False),
        ("What to do when a file is not found", False),
    ],
)
def test_a_dead_page_is_told_by_its_title(title: str, expected: bool) -> None:
    assert read(f"<title>{title}</title><p>x").is_dead is expected


def test_a_login_form_is_told_from_a_page_that_also_has_one() -> None:
    form = "<form><input type=PASSWORD name=p></form>"
    assert read(f"<p>Welcome back{form}").is_login
    assert not read(f"<p>{'Real text of a page. ' * 200}{form}").is_login
    assert read(f"<p>{'Terms of the site. ' * 200}{form}", path="/users/sign_in?next=%2F").is_login
    assert not read("<p>How to log in", path="/login").is_login


@pytest.mark.parametrize("html", ["", "   ", "\x00", "<!-- unclosed", "just text", "<"])
def test_pages_without_markup_have_no_links(html: str) -> None:
    assert read(html).links == ()


def test_the_number_of_links_is_capped_and_hostile_markup_is_refused() -> None:
    many = "".join(f"<a href='/{n}'>x</a>" for n in range(MAX_LINKS + 100))
    assert len(read(many).links) == MAX_LINKS
    with pytest.raises(PageTooComplex):
        read("<div>" * 100_000)


def test_deeply_nested_pages_still_give_their_links() -> None:
    assert read("<div>" * 1_000 + "<a href='x'>x</a>").links == ("x",)
