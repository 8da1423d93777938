from __future__ import annotations

import pytest

from ingestion.extraction.html import extract_html

FILLER = "This paragraph holds enough plain words to be taken for the content of a page. "
SPHINX = "<meta name=generator content=Sphinx>"


def text_of(body: str) -> str:
    page = f"<html><head>{SPHINX}</head><body><main><p>{FILLER}</p>{body}</main></body></html>"
    return extract_html(page.encode()).text.removeprefix(FILLER.strip()).strip()


def test_spanning_cells_are_written_out() -> None:
    table = (
        "<table><tr><th colspan=2>Size</th><th>Price</th></tr>"
        "<tr><td rowspan=2>Small</td><td>10 cm</td><td>3</td></tr><tr><td>12 cm</td><td>4</td></tr>"
        "</table>"
    )
    assert text_of(table) == (
        "| Size |  | Price |\n| --- | --- | --- |\n| Small | 10 cm | 3 |\n| Small | 12 cm | 4 |"
    )


def test_tables_that_lay_out_a_page_are_no_tables() -> None:
    cells = f"<table><tr><td>Left</td><td>{FILLER * 10}</td></tr></table>"
    assert "|" not in text_of(cells)
    assert text_of("<table role=presentation><tr><td>A</td><td>B</td></tr></table>") == "A\n\nB"
    hostile = "<table>" + "<tr><td colspan=99999999999 rowspan=1000>x" * 300
    assert len(text_of(hostile)) < 1_000_000


@pytest.mark.parametrize(
    ("html", "code"),
    [
        ("<pre>a<br>b</pre>", "```\na\nb\n```"),
        ("<pre><code class='language-c++'>int a;</code></pre>", "```c++\nint a;\n```"),
        ("<pre><div>a</div><div>b</div></pre>", "```\na\nb\n```"),
        ("<pre>x<button class=copybtn>Copy</button>\ny</pre>", "```\nx\ny\n```"),
        (
            "<pre><span class=lineno>1 </span>x\n<span class=lineno>2 </span>y</pre>",
            "```\nx\ny\n```",
        ),
        (
            "<table class=highlighttable><tr><td class=linenos><pre>1\n2</pre></td>"
            "<td class=code><div class=highlight-python><pre>x\ny</pre></div></td></tr></table>",
            "```python\nx\ny\n```",
        ),
        (
            "<pre class='line-numbers language-js'><code><div><i class=lnt>1</i>x</div>"
            "<div><i class=lnt>2</i>y</div></code></pre>",
            "```js\nx\ny\n```",
        ),
        ("<pre>```\nin\n```</pre>", "````\n```\nin\n```\n````"),
    ],
)
def test_code_stays_code(html: str, code: str) -> None:
    assert text_of(html) == code


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>10<sup>6</sup> m<sup>2</sup>, x<sub>i</sub></p>", "10^6 m^2, x_i"),
        ("<p>H<sub>2</sub>O, the 1<sup>st</sup></p>", "H2O, the 1st"),
        ("<ol start=4><li>Four<li>Five</ol>", "4. Four\n5. Five"),
        ("<p>One<br><br>Two<br>Three</p>", "One\n\nTwo\nThree"),
        ("<ruby>\u6f22<rp>(</rp><rt>kan</rt><rp>)</rp></ruby>", "\u6f22"),
        ("<h2>Head <a class=anchor href=#h>#</a></h2>", "## Head"),
        ("<h2>Notes on C#</h2>", "## Notes on C#"),
        ("<details><summary>Why?</summary><p>So.</p></details>", "Why?\n\nSo."),
        ("<aside class='footnote'><p>A note below.</p></aside>", "A note below."),
        ("<figure><img><figcaption>A kiln.</figcaption></figure>", "A kiln."),
        (
            "<div class='admonition'><p class='admonition-title'>Note</p><p>Mind.</p></div>",
            "Note\nMind.",
        ),
        ("<a href=x><h3>Card</h3><p>Body.</p></a>", "### Card\n\nBody."),
    ],
)
def test_each_element_has_its_way(html: str, text: str) -> None:
    assert text_of(html) == text


@pytest.mark.parametrize(
    "formula",
    [
        "<span class=katex><span class=katex-mathml><math><semantics><mi>x</mi>"
        "<annotation encoding='application/x-tex'>x^2</annotation></semantics></math></span>"
        "<span class=katex-html aria-hidden=true>x2</span></span>",
        "<span class=MathJax_Preview>x2</span><span class=MathJax>x2</span>"
        "<script type='math/tex'>x^2</script>",
        "<span class=mwe-math-element><span style='display: none'>"
        "<math alttext='{\\displaystyle x^2}'><mi>x</mi></math></span></span>",
    ],
)
def test_formulas_come_once_as_tex(formula: str) -> None:
    assert text_of(f"<p>Let {formula} be.</p>") == "Let $x^2$ be."
