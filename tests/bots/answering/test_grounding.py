from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bots.answering.grounding import CitationFilter


def _run(pieces: list[str], known: set[int]) -> tuple[str, list[int]]:
    citations = CitationFilter(known)
    text = "".join([citations.feed(piece) for piece in pieces] + [citations.finish()])
    return text, citations.cited


@pytest.mark.parametrize(
    ("text", "expected", "cited"),
    [
        ("Yes [1].", "Yes [1].", [1]),
        ("Yes [9].", "Yes.", []),
        ("Yes [1][9][2].", "Yes [1][2].", [1, 2]),
        ("Yes [1, 2, 7].", "Yes [1][2].", [1, 2]),
        ("In [2024] it was", "In [2024] it was", []),
        ("A [link](https://example.com)", "A [link](https://example.com)", []),
        ("Call `items[0]` first [1]", "Call `items[0]` first [1]", [1]),
        ("```\nx = a[7]\n```\nSo [7] it is [2]", "```\nx = a[7]\n```\nSo it is [2]", [2]),
        ("An open ` tick\n\nand [9] after", "An open ` tick\n\nand after", []),
        ("ends with [", "ends with [", []),
    ],
)
def test_it_keeps_known_citations_and_drops_invented_ones(
    text: str, expected: str, cited: list[int]
) -> None:
    assert _run([text], {1, 2}) == (expected, cited)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            ["[1]", "[9]", "[1, 2]", "`a[0]`", " word", "\n\n", "\n", " ", "```", "[", "]"]
        )
    ),
    st.integers(1, 5),
)
def test_the_cut_between_deltas_does_not_matter(parts: list[str], size: int) -> None:
    text = "".join(parts)
    pieces = [text[i : i + size] for i in range(0, len(text), size)]
    assert _run(pieces, {1, 2}) == _run([text], {1, 2})


def test_it_holds_back_only_what_may_become_a_citation() -> None:
    citations = CitationFilter({1})
    assert citations.feed("Water boils") == "Water boils"
    assert citations.feed(" at 100 degrees [") == " at 100 degrees"
    assert citations.feed("1") == ""
    assert citations.feed("] as") == " [1] as"
