from __future__ import annotations

import contextlib
import gzip
import json
import re
import time
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.errors import ExtractionError, LinkList, PageTooComplex, TooThin
from ingestion.extraction.html import extract_html
from tests.ingestion.extraction.samples import PYTHON_DOCS, SHARED

FILLER = "This paragraph holds enough plain words to be taken for the content of a page. "


def text_of(body: str) -> str:
    return extract_html(f"<html><body>{body}</body></html>".encode()).text


def test_an_article_comes_without_what_surrounds_it() -> None:
    paragraphs = "".join(f"<p>Paragraph {n}. {FILLER * 3}</p>" for n in range(6))
    page = (
        "<html lang='en-GB'><head><title>Head | Site</title></head><body>"
        "<nav><a href=/>Home</a><a href=/x>Products</a></nav>"
        f"<article><h1>The headline</h1><h2>A part</h2>{paragraphs}</article>"
        "<aside>Buy now</aside><footer>Imprint</footer></body></html>"
    )
    document = extract_html(page.encode())
    assert document.title == "The headline"
    assert document.language == "en"
    assert document.page_starts == ()
    assert "## A part" in document.text
    assert all(f"Paragraph {n}." in document.text for n in range(6))
    assert not re.search("Products|Buy now|Imprint", document.text)


def test_documentation_keeps_signatures_code_tables_and_lists() -> None:
    page = f"""
    <main><h1>Module<a class="headerlink" href="#m">\u00b6</a></h1><p>{FILLER}</p>
    <dl class="py function"><dt class="sig" id="mod.run"><span>mod.</span><span>run</span>(
      <em>task</em>, *, <em>retries</em>=3)<a class="headerlink">\u00b6</a></dt>
    <dd><p>Runs <code>task</code>.</p><p>Raises <code>ValueError</code>.</p></dd></dl>
    <div class="highlight-python3"><div class="highlight"><pre><span>for</span> x in y:
    print(x)</pre></div></div>
    <table><tr><th>Name</th><th>Means</th></tr><tr><td>a|b</td><td>either</td></tr></table>
    <ol><li>First<ul><li>Inner</li></ul></li><li>Second</li></ol>
    <div class="admonition note"><p class="admonition-title">Note</p><p>Mind this.</p></div>
    <nav>Skip me</nav></main>"""
    text = text_of(page)
    assert text.startswith("# Module\n")
    assert "`mod.run( task, *, retries=3)`\nRuns `task`.\n\nRaises `ValueError`." in text
    assert "```python3\nfor x in y:\n    print(x)\n```" in text
    assert "| Name | Means |\n| --- | --- |\n| a\\|b | either |" in text
    assert "1. First\n   - Inner\n2. Second" in text
    assert "Note\nMind this." in text
    assert "Skip me" not in text


HIDDEN = [
    "<p style='display:none'>SECRET</p>",
    "<p style='visibility: hidden'>SECRET</p>",
    "<p style='font-size:0'>SECRET</p>",
    "<p style='font-size: 0.0px;'>SECRET</p>",
    "<p style='opacity:0'>SECRET</p>",
    "<p style='color:#fff;background:#FFF'>SECRET</p>",
    "<p style='color: white'>SECRET</p>",
    "<p style='text-indent:-9999px'>SECRET</p>",
    "<p style='position:absolute; left:-9999px'>SECRET</p>",
    "<p style='height:0;overflow:hidden'>SECRET</p>",
    "<p style='color:transparent'>SECRET</p>",
    "<p style='opacity:.01'>SECRET</p>",
    "<p style='font-size:1px'>SECRET</p>",
    "<p class='sr-only'>SECRET</p>",
    "<style>.zq{display:none}</style><p class='wide zq'>SECRET</p>",
    "<style>a, #zq { visibility: hidden }</style><p id=zq>SECRET</p>",
    "<style>/* x */ .zq{color:#fff;background:#fff}</style><p class=zq>SECRET</p>",
    "<p hidden>SECRET</p>",
    "<p aria-hidden=true>SECRET</p>",
    "<!-- SECRET -->",
    "<script>SECRET</script>",
    "<style>SECRET</style>",
    "<template>SECRET</template>",
    "<noscript>SECRET</noscript>",
    "<select><option>SECRET</select>",
]


@pytest.mark.parametrize("hidden", HIDDEN)
@pytest.mark.parametrize("main", ["article", "main", "div"])
def test_hidden_text_is_not_indexed(hidden: str, main: str) -> None:
    body = f"<{main}><h1>Title</h1><p>{FILLER * 4}</p>{hidden} tail<p>{FILLER * 4}</p></{main}>"
    text = text_of(body)
    assert "SECRET" not in text
    assert FILLER.strip() in text


@pytest.mark.parametrize(
    "shown",
    [
        "<p style='font-size:0.8em'>SHOWN</p>",
        "<p style='opacity:0.9;color:#333'>SHOWN</p>",
        "<p style='color:white;background-color:black'>SHOWN</p>",
        "<div hidden role=tabpanel><p>SHOWN</p></div>",
        "<p hidden=until-found>SHOWN</p>",
        "<div style='background:#123'><p style='color:#fff'>SHOWN</p></div>",
        "<h2 style='color:transparent;background-clip:text'>SHOWN</h2>",
        "<style>@media print{.zq{display:none}}</style><p class=zq>SHOWN</p>",
        "<style>.accordion-panel{display:none}</style><p class=accordion-panel>SHOWN</p>",
        f"<style>.zq{{display:none}}</style><p class=zq>SHOWN {FILLER * 3}</p>",
        "<details><summary>Question?</summary><p>SHOWN</p></details>",
    ],
)
def test_visible_text_is_kept(shown: str) -> None:
    assert "SHOWN" in text_of(f"<main><pre>{FILLER * 2}</pre>{shown}</main>")


def test_zero_width_characters_are_removed() -> None:
    assert "password" in text_of(f"<p>pass\u200bw\u2060ord {FILLER}</p>")


@pytest.mark.parametrize(
    "page",
    [
        "",
        "   ",
        "\x00\x00",
        "<",
        "<!-- only a comment -->",
        "<html><body></body></html>",
        "<div id=root></div><noscript>You need to enable JavaScript to run this app.</noscript>",
        "<p>Please enable JavaScript to continue using this application.</p>",
        "<!DOCTYPE html><!-- unclosed",
        "<script>never closed",
    ],
)
def test_pages_without_text_are_too_thin(page: str) -> None:
    with pytest.raises(TooThin):
        extract_html(page.encode())


def test_hostile_markup_is_refused_and_deep_pages_are_read() -> None:
    with pytest.raises(PageTooComplex):
        extract_html(b"<div>" * 100_000)
    deep = text_of("<div>" * 1_000 + f"<p>{FILLER}</p>" + "</div>" * 1_000)
    assert FILLER.strip() in deep


@pytest.mark.parametrize("wrap", ["pre", "ul><li", "table><tr><td", "dl><dd", "blockquote", "b"])
def test_deep_nesting_of_any_kind_keeps_the_text(wrap: str) -> None:
    opening = f"<{wrap}>" * 140
    assert FILLER.strip() in " ".join(text_of(f"<main>{opening}{FILLER}").split()).replace("> ", "")


_SOUP = st.sampled_from(
    [
        "<html>", "<body>", "<main>", "<article hidden>", "<table>", "<tr>", "<td colspan=9e9>",
        "<dl>", "<dt id='a.b' class=sig>", "<dd>", "<pre class='language-x'>", "<li>", "<br>",
        "<ol start=x>", "<h2 style='color:red'>", "<frameset>", "<plaintext>", "<template>",
        "<svg>", "<o:p>", "<p>", "</p>", "</table>", "</main>", "</body>", "<!-- x -->", "<?pi?>",
        "<![CDATA[x]]>", "&#0;", "&bogus;", "\x00", "\ud800", "Words that make a sentence. ",
        "```", "| a |", "<",
    ]
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(_SOUP, max_size=40))
def test_any_markup_gives_a_document_or_a_typed_error(soup: list[str]) -> None:
    try:
        document = extract_html("".join(soup).encode("utf-8", errors="surrogatepass"))
    except ExtractionError:
        return
    assert document.text.strip()


HOSTILE = {
    "nested": b"<div>" * 40_000 + FILLER.encode(),
    "attributes behind a quoted bracket": b'<a x=">" ' + b"x=1 " * 100_000 + b">" + FILLER.encode(),
    "unclosed comment": b"<p>" + FILLER.encode() + b"<!--" + b"x" * 500_000,
    "unclosed script": FILLER.encode() + b"<script>" + b"x<" * 250_000,
    "cdata": b"<![CDATA[" * 50_000,
    "nothing but NUL": b"\x00" * 500_000,
    "marks that nobody sees": "\u202e\u200b".encode() * 100_000,
    "links in links": b"<a href=x><div>" * 700 + FILLER.encode(),
    "control characters": b"<p>&#1;<nav>x</nav>&#2;"
    + FILLER.encode()
    + b"<button>x</button>&#xD800;",
    "formula of control characters": b"<p><math alttext='&#1;'></math>" + FILLER.encode(),
    "spans over everything": b"<table><tr><th>x" + b"<tr><td colspan=1000 rowspan=1000>x" * 500,
}


@pytest.mark.parametrize("page", HOSTILE.values(), ids=HOSTILE)
def test_hostile_pages_end_in_text_or_a_typed_error(page: bytes) -> None:
    started_s = time.process_time()
    text = "typed"
    with contextlib.suppress(PageTooComplex, TooThin):
        text = extract_html(page).text.strip()
    assert text
    assert time.process_time() - started_s < 10


_BROKEN_PIECES = (
    b"<div>", b"</div>", b"<table>", b"<p hidden>", b"<!--", b"-->", b"<script>", b"</main>",
    b"<style>.a{display:none}", b"\x00", b"\xff\xfe", b"&#xD800;", b"&#1;", b"<td rowspan=99999>",
    b"<math><annotation encoding=tex>x", b"<ol start=99999999999>", b'"', b"'", b"<a href=",
)  # fmt: skip


def test_broken_real_pages_end_in_text_or_a_typed_error() -> None:
    random = Random(11)  # noqa: S311  (the same pages in every run)
    pages = [_page_of_links(30, f"<p>{FILLER * 9}</p>"), *HOSTILE.values()]
    pages = [page[:6_000] for page in pages]
    n_read = 0
    for _ in range(200):
        page = bytearray(random.choice(pages))
        for _ in range(random.randint(1, 30)):
            place = random.randrange(len(page))
            page[place : place + random.randrange(40)] = random.choice(_BROKEN_PIECES) * 3
        try:
            n_read += bool(extract_html(bytes(page)).text.strip())
        except ExtractionError:
            continue
    assert n_read > 50


@pytest.mark.parametrize(
    ("head", "title"),
    [
        ("<meta property='og:title' content=' Shown \n title '><title>x</title>", "Shown title"),
        ("<title>From the title &amp; more</title>", "From the title & more"),
        ("", ""),
    ],
)
def test_the_title_is_the_best_one_stated(head: str, title: str) -> None:
    page = f"<html><head>{head}</head><body><p>{FILLER}</p></body></html>"
    assert extract_html(page.encode()).title == title


def test_other_charsets_are_read() -> None:
    page = f"<p>Größe und Maß. {FILLER}</p>".encode("latin-1")
    assert "Größe und Maß." in extract_html(page, charset="iso-8859-1").text


@pytest.mark.manuals
def test_python_documentation_comes_out_whole() -> None:
    functions = extract_html((PYTHON_DOCS / "library/functions.html").read_bytes())
    assert functions.title == "Built-in Functions"
    for needle in (
        "`enumerate(iterable, start=0)`\nReturn an enumerate object.",
        "`sum(iterable, /, start=0)`\nSums start and the items of an iterable",
        ">>> list(enumerate(seasons))",
        "| `'r'` | open for reading (default) |",
    ):
        assert needle in functions.text
    paths = extract_html((PYTHON_DOCS / "library/os.path.html").read_bytes()).text
    assert "`os.path.join(path, *paths)`\nJoin one or more path segments" in paths
    tutorial = extract_html((PYTHON_DOCS / "tutorial/controlflow.html").read_bytes()).text
    assert "## 4.2. `for` Statements" in tutorial
    assert "words = ['cat', 'window', 'defenestrate']" in tutorial
    for text in (functions.text, paths, tutorial):
        assert "\u00b6" not in text
        assert "Table of Contents" not in text


@pytest.mark.skipif(not (SHARED / "extraction").exists(), reason="needs ../shared/data/extraction")
def test_articles_are_told_from_their_surroundings() -> None:
    truth = json.loads((SHARED / "extraction/ground-truth.json").read_text())
    scores = []
    for key in sorted(truth)[::6]:
        page = gzip.decompress((SHARED / f"extraction/html/{key}.html.gz").read_bytes())
        want = set(re.findall(r"\w+", truth[key]["articleBody"]))
        got = set(re.findall(r"\w+", extract_html(page).text))
        scores.append(2 * len(want & got) / (len(want) + len(got)))
    assert sum(scores) / len(scores) > 0.93


def _page_of_links(n_links: int, around: str = "") -> bytes:
    links = "".join(
        f'<li><a href="/{n}.html">Chapter {n} of the manual</a></li>' for n in range(n_links)
    )
    return (
        '<html><head><meta name="generator" content="Sphinx"></head><body><main><h1>Contents</h1>'
        f"{around}<ul>{links}</ul></main></body></html>"
    ).encode()


def test_a_table_of_contents_is_not_content() -> None:
    with pytest.raises(LinkList):
        extract_html(_page_of_links(200))


def test_short_lists_of_links_and_lists_with_text_of_their_own_stay() -> None:
    prose = f"<p>{'The manual explains how to run a kiln without an accident. ' * 30}</p>"
    assert "Chapter 9" in extract_html(_page_of_links(10)).text
    assert "Chapter 9" in extract_html(_page_of_links(200, prose)).text
