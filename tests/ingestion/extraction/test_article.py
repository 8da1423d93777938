from __future__ import annotations

import pytest

from ingestion.extraction.furniture import Furniture, furniture_of, is_content
from ingestion.extraction.html import extract_html

SENTENCE = "Clay that dries too fast tears, so the pots stand under a cloth for two days. "
STORY = "".join(f"<p>Part {n}. {SENTENCE * 3}</p>" for n in range(6))


def text_of(body: str, head: str = "<title>Drying pots</title>") -> str:
    return extract_html(f"<html><head>{head}</head><body>{body}</body></html>".encode()).text


@pytest.mark.parametrize(
    "around",
    [
        "<div class='post-comments'><p>{0}</p></div>",
        "<div id='disqus_thread'><p>{0}</p></div>",
        "<ul class='share-buttons'><li><a href=x>{0}</a></li><li><a href=y>Post</a></li></ul>",
        "<div class='relatedStories'><a href=x><h3>{0}</h3><p>A teaser.</p></a></div>",
        "<div class='cookie-notice'><p>{0}</p></div>",
        "<div class='newsletter-signup'><p>{0}</p></div>",
        "<p class='byline'>{0}</p>",
        "<figure><img src=x><figcaption>{0}</figcaption></figure>",
        "<ul><li><a href=x>{0}</a></li><li><a href=y>Another headline</a></li></ul>",
        "<p>Read more: <a href=x>{0}</a></p>",
        "<p><a href=x>{0} IN CAPITALS FOR ALL TO SEE</a></p>",
        "<aside><p>{0}</p></aside>",
    ],
)
def test_what_surrounds_an_article_is_left_out(around: str) -> None:
    word = "ELSEWHERE"
    text = text_of(f"<div class='entry'>{STORY}{around.format(word)}{STORY}</div>")
    assert word not in text
    assert text.count("Part 5.") == 2


@pytest.mark.parametrize(
    "ending",
    [
        "<h3>You may also like</h3><ul><li><a href=x>ELSEWHERE</a></li></ul>",
        "<p>Follow us on Twitter and ELSEWHERE.</p>",
        "<p>Copyright 2026 ELSEWHERE</p>",
        "<p>Filed under: ELSEWHERE</p>",
    ],
)
def test_what_closes_an_article_is_left_out(ending: str) -> None:
    text = text_of(f"<div>{STORY}{ending}</div>")
    assert "ELSEWHERE" not in text
    assert "may also like" not in text
    assert "Part 5." in text


def test_an_article_keeps_its_structure() -> None:
    inside = (
        "<h2>Share your kiln</h2><p>Two potters can fire together.</p>"
        "<h3><a href=x>Gloves for the kiln</a></h3>"
        "<pre>kiln --cone 6</pre><table><tr><th>Cone</th><th>Heat</th></tr>"
        "<tr><td>6</td><td>1222</td></tr></table><blockquote>Slow is fast.</blockquote>"
        "<ul><li>Sieve the glaze</li><li>Stir it</li></ul>"
    )
    text = text_of(f"<div>{STORY}{inside}{STORY}</div>")
    for piece in (
        "## Share your kiln\n\nTwo potters",
        "### Gloves for the kiln",
        "```\nkiln --cone 6\n```",
        "| Cone | Heat |\n| --- | --- |\n| 6 | 1222 |",
        "> Slow is fast.",
        "- Sieve the glaze\n- Stir it",
    ):
        assert piece in text


def test_the_title_is_not_repeated_but_other_headings_stay() -> None:
    text = text_of(f"<article><h1>Drying pots</h1>{STORY}</article>")
    assert text.startswith("Part 0.")
    assert text_of(f"<div><h1>1. Overview</h1>{STORY}</div>").startswith("# 1. Overview")


def test_a_longer_thread_of_comments_does_not_win_over_the_article() -> None:
    comments = "".join(
        f"<div class='comment'><p>Reply {n}. {SENTENCE}</p></div>" for n in range(60)
    )
    text = text_of(f"<div class='storycontent'>{STORY}</div><div id=comments>{comments}</div>")
    assert "Part 5." in text
    assert "Reply" not in text


def test_posts_of_a_thread_and_slides_are_the_content() -> None:
    for name in ("MtnComment", "slide", "teaser-text"):
        posts = "".join(f"<div class='{name}'><p>Post {n}. {SENTENCE}</p></div>" for n in range(9))
        text = text_of(f"<div>{posts}</div>")
        assert all(f"Post {n}." in text for n in range(9))


def test_sections_named_after_their_heading_are_no_furniture() -> None:
    sections = "".join(
        f"<div id='{slug}'><h2>{heading}</h2><p>{heading} means this. {SENTENCE}</p></div>"
        for slug, heading in (
            ("session-cookie-secure", "SESSION_COOKIE_SECURE"),
            ("related-objects", "Related objects"),
            ("s-share-a-folder", "Share a folder"),
        )
    )
    text = text_of(f"<div>{STORY}{sections}</div>")
    assert all(
        f"{name} means this." in text for name in ("SESSION_COOKIE_SECURE", "Share a folder")
    )
    assert "Related objects means this." in text


@pytest.mark.parametrize("maker", ["DocBook XSL Stylesheets V1.79.2", "AsciiDoc 10.2.0"])
def test_documentation_without_a_main_element_is_kept_whole(maker: str) -> None:
    page = (
        "<div class='navheader'><a href=x>Prev</a></div><div class='sect1'><h2>9.7. Matching</h2>"
        f"<p>{SENTENCE}</p><div id='EMBEDDED-OPTIONS'><table><tr><th>Option</th></tr>"
        "<tr><td>rest</td></tr></table></div><p>See <a href=y>the list of options</a></p>"
        "<pre>SELECT 1</pre></div><div class='navfooter'><a href=x>Next page</a></div>"
    )
    text = text_of(page, f"<meta name=generator content='{maker}'>")
    assert text.startswith("## 9.7. Matching")
    assert all(piece in text for piece in ("Option\n\nrest", "the list of options", "SELECT 1"))
    assert not any(word in text for word in ("Prev", "Next page"))


def test_quoted_posts_and_links_to_shops_stay() -> None:
    inside = (
        "<div class='social-media-embed'><blockquote><p>Quoted post.</p></blockquote></div>"
        "<p>See it now: <a href=x>Potters' shop</a></p>"
    )
    text = text_of(f"<div>{STORY}{inside}{STORY}</div>")
    assert "> Quoted post." in text
    assert "See it now: Potters' shop" in text


def test_names_are_read_word_by_word() -> None:
    assert furniture_of("article-comments") is Furniture.STRONG
    assert furniture_of("entryShareBar") is Furniture.WEAK
    assert furniture_of("you-may-like") is Furniture.STRONG
    assert furniture_of("sharecropper adverbial tagging") is Furniture.NONE
    assert furniture_of("elementor-widget elementor-widget-text") is Furniture.NONE
    assert is_content("wide entry-content")
    assert is_content("article__body")
    assert not is_content("contents sidebar")
