from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bots.answering.answer_sentences import Kind, answer_blocks

ANSWER = """# Opening

Hello there! We open at **nine** [1]. Then we\nrest (see [hours](http://a.b/c.D)). [1][2] Call us.

- Bring `a. B` with you [2]
  - Or not. Fine.

| Plan | Price |
|------|-------|
| Free | $0 [1] |

```sh
run. Me
```
"""


def test_it_finds_blocks_and_the_sentences_in_them() -> None:
    found = [
        (block.kind, [piece.text for piece in block.pieces]) for block in answer_blocks(ANSWER)
    ]
    assert found == [
        (Kind.HEADING, []),
        (
            Kind.PROSE,
            ["Hello there!", "We open at nine .", "Then we rest (see hours).", "Call us."],
        ),
        (Kind.ITEM, ["Bring `a. B` with you"]),
        (Kind.ITEM, ["Or not.", "Fine."]),
        (Kind.HEAD, []),
        (Kind.ROW, ["Free $0"]),
        (Kind.CODE, []),
    ]


def test_citations_go_with_the_sentence_before_them() -> None:
    block = answer_blocks("It opens. [1][2] It closes.")[0]
    assert [(piece.start, piece.end) for piece in block.pieces] == [(0, 16), (17, 27)]


def test_an_open_fence_reaches_to_the_end() -> None:
    assert [block.kind for block in answer_blocks("Run:\n```\na. B\n\n# c")] == [
        Kind.PROSE,
        Kind.CODE,
    ]


@given(
    st.lists(
        st.sampled_from(
            [
                "A b. ",
                "C [1]",
                "\n",
                "\n\n",
                "- ",
                "  ",
                "# ",
                "| a |",
                "|--|",
                "```",
                "`x. Y`",
                "> ",
            ]
        )
    ).map("".join)
)
def test_blocks_and_sentences_stand_in_order_and_apart(answer: str) -> None:
    end = 0
    for block in answer_blocks(answer):
        assert end <= block.start <= block.end <= len(answer)
        end = block.end
        at = block.start
        for piece in block.pieces:
            assert at <= piece.start <= piece.end <= block.end
            at = piece.end
