from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots.answering.answer_sentences import answer_blocks
from bots.answering.dropping import drop_unsupported
from bots.answering.grounding_check import SentenceCheck


def checks_of(answer: str) -> list[SentenceCheck]:
    """Sentences that say "wrong" fail, those that announce claim nothing."""
    return [
        SentenceCheck(
            piece.text,
            None if piece.text.endswith((":", "!")) else "wrong" not in piece.text.lower(),
        )
        for block in answer_blocks(answer)
        for piece in block.pieces
    ]


@pytest.mark.parametrize(
    ("answer", "left"),
    [
        ("All is right. [1]", "All is right. [1]"),
        ("It is right. [1] It is wrong. [2] It is fine [3].", "It is right. [1] It is fine [3]."),
        ("Wrong here. Right here.", "Right here."),
        ("Right.\n\nWrong.\n\nRight too.", "Right.\n\nRight too."),
        ("- right one\n- wrong one\n- right two", "- right one\n- right two"),
        ("1. right. Wrong.\n2. wrong", "1. right."),
        ("- wrong\n  - right below\n  - right too\n- right", "- right below\n- right too\n- right"),
        ("Right.\n\nHere is how:\n\n- wrong\n- wrong too", "Right."),
        ("Right. Here is how:\n\n- wrong\n\nRight too.", "Right.\n\nRight too."),
        ("Here is how:\n\n- wrong\n- right", "Here is how:\n\n- right"),
        ("## Prices\n\nWrong.\n\n## Hours\n\nRight.", "## Hours\n\nRight."),
        ("# All\n\n## Prices\n\nWrong.\n\nRight.", "# All\n\n## Prices\n\nRight."),
        ("Right.\n\n| a | b |\n|---|---|\n| wrong | 1 |", "Right."),
        (
            "| a | b |\n|---|---|\n| wrong | 1 |\n| right | 2 |",
            "| a | b |\n|---|---|\n| right | 2 |",
        ),
        ("Right. Wrong.\n\n```sh\nwrong. Wrong.\n```", "Right.\n\n```sh\nwrong. Wrong.\n```"),
        ("Hello! Wrong.", ""),
        ("Wrong.", ""),
        ("", ""),
    ],
)
def test_what_is_unsupported_goes_and_markdown_stays_whole(answer: str, left: str) -> None:
    assert drop_unsupported(answer, checks_of(answer)) == left


@given(
    st.lists(
        st.sampled_from(
            [
                *("Right. ", "Wrong. ", "So:", "\n", "\n\n", "- ", "  - ", "# h\n", "```\n"),
                # A row begins a line: within one, it has no end and is part of the next sentence.
                *("\n| right |\n", "\n| wrong |\n", "\n|--|\n", "[1] "),
            ]
        ),
        max_size=25,
    ).map("".join)
)
def test_nothing_wrong_is_left_and_nothing_right_is_lost(answer: str) -> None:
    left = drop_unsupported(answer, checks_of(answer))
    said = [piece.text for block in answer_blocks(left) for piece in block.pieces]
    assert not any("Wrong" in text for text in said if "```" not in answer)
    assert left.count("Right") == answer.count("Right")
