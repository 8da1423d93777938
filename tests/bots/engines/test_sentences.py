from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots.engines.markdown_blocks import BlockKind
from bots.engines.sentences import MAX_SENTENCE_CHARS, Sentence, split_sentences, split_text


def quotes(markdown: str) -> list[str]:
    return [sentence.text for sentence in split_sentences(markdown)]


@pytest.mark.parametrize(
    "sentences",
    [
        ["It works.", "It is fast!", "Is it free?", "Yes"],
        ["Use a tool, e.g. Docker, for that.", "Then stop."],
        ["That is, i.e. The Hague, a city.", "Fine."],
        ["Dr. Smith met Mrs. Jones at St. Mary's.", "They talked."],
        ["It needs Python v3.11 or 3.12.", "Older ones fail."],
        ["The price is $9.99.", "It was 12.50 before."],
        ["It is version 2.0.", "The next is 2.1."],
        ["See Fig. 3 and No. 5 on p. 12.", "Is it free?", "No.", "You pay."],
        ["J. R. R. Tolkien wrote it.", "He was born in 1892."],
        ["It was made in the U.S. Army.", "It left the U.S.", "The end."],
        ["Open from 9 a.m. to 5 p.m.", "On Sundays it is closed."],
        ["Apple Inc. Chairman Levinson spoke.", "It is by Foo Inc.", "The rest is ours."],
        ["Bring pens, paper, etc.", "The rest is there."],
        ["Wait... what is it?", "Nothing."],
        ['He said "Stop."', '"Why?"', "Nobody knew."],
        ["(See the manual.)", "It helps."],
        ["Visit example.com.", "It has a Node.js.", "Use .NET.", "Bye."],
        ["Born on Jan. 5, 1990.", "We met in Jan.", "It was cold."],
        ["Yahoo! is a company.", "Go there."],
        ["Das ist z.B. Brot.", "Äpfel auch.", "Öl nicht."],
        ["これは文です。", "次の文です！", "終わり"],  # noqa: RUF001
        ["¿Qué es?", "¡Una prueba!", "Sí."],
        ["Это было в 1990 г. и так.", "Потом стало лучше."],  # noqa: RUF001
        ["1. First do this.", "Then that."],
    ],
)
def test_it_splits_text_into_sentences(sentences: list[str]) -> None:
    glue = "" if sentences[0].startswith("これ") else " "
    assert split_text(glue.join(sentences)) == sentences


def test_headings_rules_and_link_definitions_are_no_answers() -> None:
    markdown = (
        "# Title\n\nText one.\n\n## Sub ##\nText two.\n\n---\n\nOld\n===\n\n[a]: http://x.y\n"
    )
    assert quotes(markdown) == ["Text one.", "Text two."]


def test_a_sentence_over_a_rule_stays() -> None:
    assert quotes("It is done.\n---\nNext.") == ["It is done.", "Next."]


def test_a_hard_wrapped_paragraph_is_joined() -> None:
    assert quotes("One sentence\nover two lines.\nNext one.") == [
        "One sentence over two lines.",
        "Next one.",
    ]


def test_list_items_stand_alone() -> None:
    markdown = (
        "Steps:\n- Open *Settings*\n- Click **Save**. Wait.\n  Then go on\n1. Last\n- [x] Done"
    )
    assert quotes(markdown) == [
        "Steps:",
        "Open Settings",
        "Click Save.",
        "Wait.",
        "Then go on",
        "Last",
        "Done",
    ]


def test_table_rows_are_quotable_and_the_head_is_not() -> None:
    markdown = "| Plan | Price |\n|------|------:|\n| Free | $0 per mo. Always |\n| Pro | $9 |"
    found = split_sentences(markdown)
    assert [s.text for s in found] == ["Free | $0 per mo. Always", "Pro | $9"]
    assert {s.kind for s in found} == {BlockKind.ROW}


def test_a_quoted_block_is_read_without_its_marks() -> None:
    assert quotes("> It is\n> quoted. Twice.") == ["It is quoted.", "Twice."]


def test_inline_markup_goes_and_inline_code_stays() -> None:
    markdown = (
        "Set **bold** and *it* or __two words__ in [the docs](https://a.b/c_(d)) with "
        "`pip install a.b. C` ![logo](x.png) ~~old~~ <b>tag</b> <https://x.y/z> \\*star\\*."
    )
    assert quotes(markdown) == [
        "Set bold and it or two words in the docs with `pip install a.b. C` old tag "
        "https://x.y/z *star*."
    ]


def test_names_with_underscores_and_products_with_stars_stay() -> None:
    assert quotes("Set my_var_name and __init__ to 2 * 3 * 4.") == [
        "Set my_var_name and __init__ to 2 * 3 * 4."
    ]


def test_footnote_marks_go_because_they_look_like_citations() -> None:
    markdown = "It opened in 1909.[1][12] It closed.[^a] See \\[3\\] and [4](#ref-4) and foo[dev]."
    assert quotes(markdown) == ["It opened in 1909.", "It closed.", "See and and foo[dev]."]


def test_code_in_brackets_keeps_its_index() -> None:
    assert quotes("Read `argv[1]` first.") == ["Read `argv[1]` first."]


def test_a_short_code_block_goes_with_the_sentence_that_introduces_it() -> None:
    markdown = "Before. Run the installer:\n\n```sh\npip install x\nx init\n```\n\nAfter."
    assert split_sentences(markdown) == [
        Sentence("Before."),
        Sentence("Run the installer:", code="```sh\npip install x\nx init\n```"),
        Sentence("After."),
    ]


@pytest.mark.parametrize(
    ("block", "fenced"),
    [
        ("~~~ python title=x\na\n~~~", "```python\na\n```"),
        ("````md\n```\na\n```\n````", "````md\n```\na\n```\n````"),
    ],
)
def test_quoted_code_has_backtick_fences_that_hold_it(block: str, fenced: str) -> None:
    (sentence,) = split_sentences(f"Look:\n\n{block}")
    assert sentence.code == fenced


def test_a_lone_backtick_is_dropped_because_it_would_swallow_the_citation() -> None:
    assert quotes("Press the ` key or ``a b``.") == ["Press the key or ``a b``."]


def test_a_cut_never_divides_inline_code() -> None:
    found = quotes("x" * 595 + "`a b c d e f`" + "y" * 20)
    assert found == ["x" * 595 + "`a b c d e f`" + "y" * 4, "y" * 16]


def test_a_long_code_block_is_quoted_by_line() -> None:
    code = "\n".join(f"line_{n}" for n in range(13))
    found = split_sentences(f"Look:\n\n```\n{code}\n```")
    assert found[0] == Sentence("Look:")
    assert found[1] == Sentence("`line_0`", BlockKind.CODE)
    assert len(found) == 14


def test_code_without_an_introduction_is_quoted_by_line() -> None:
    assert quotes("~~~\na = `b`\n\n# not a heading\n~~~") == ["`` a = `b` ``", "`# not a heading`"]


def test_a_fence_that_never_closes_is_code_to_the_end() -> None:
    assert quotes("Run:\n\n```\na. B\n") == ["Run:"]


def test_text_without_any_letters_is_left_out() -> None:
    assert quotes("* * *\n\n—\n\n...\n\nok") == ["ok"]


def test_a_wall_of_text_is_cut_at_spaces() -> None:
    found = quotes("word " * 400)
    assert max(map(len, found)) <= MAX_SENTENCE_CHARS
    assert " ".join(found) == ("word " * 400).strip()
    assert max(map(len, quotes("x" * 5000))) == MAX_SENTENCE_CHARS


@given(st.text(alphabet="aB1. !?`*_[]()|#>-:\n\\", max_size=200))
def test_no_text_breaks_it(markdown: str) -> None:
    for sentence in split_sentences(markdown):
        assert sentence.text.strip()
        assert sentence.text.count("`") % 2 == 0
        assert "\n" not in sentence.text


@pytest.mark.parametrize("noise", ["*", "_", "[", "`", "(", "![", "<a", "__a ", "|", "- "])
def test_hostile_repetition_is_read_in_time(noise: str) -> None:
    split_sentences(noise * (20_000 // len(noise)))
