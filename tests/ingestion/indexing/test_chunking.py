from __future__ import annotations

import re
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.extraction.types import ExtractedDocument
from ingestion.indexing.chunking import (
    MAX_CHARS_PER_TOKEN,
    STRETCH,
    ChunkDraft,
    split_document,
    table_header_at,
)

LIMIT = 60


def count_tokens(texts: Sequence[str]) -> list[int]:
    """Words in pieces of at most five letters, and every other sign: much like word pieces."""
    return [len(re.findall(r"\w{1,5}|[^\w\s]", text)) for text in texts]


def split(text: str, *page_starts: int) -> list[ChunkDraft]:
    document = ExtractedDocument("title", text, page_starts=page_starts)
    chunks = split_document(document, count_tokens=count_tokens, max_tokens=LIMIT)
    assert [one.ordinal for one in chunks] == list(range(len(chunks)))
    for one in chunks:
        assert text[one.char_start : one.char_end] == one.text
        assert one.text == one.text.strip() != ""
        assert count_tokens([one.text])[0] <= LIMIT * STRETCH
        assert len(one.text) <= LIMIT * STRETCH * (MAX_CHARS_PER_TOKEN + 1)
    return chunks


def words(n: int, word: str = "word") -> str:
    return " ".join([word] * n) + "."


def test_a_short_document_is_one_chunk() -> None:
    (only,) = split("One sentence.\n\nAnd another.")
    assert only.text == "One sentence.\n\nAnd another."
    assert (only.heading_path, only.page, only.char_start) == ((), None, 0)


def test_sections_are_split_at_headings_and_know_their_path() -> None:
    chunks = split(
        "Intro.\n\n# Guide\nOne.\n\n## `setup()`\nTwo.\n\n### Linux ###\nThree.\n\n"
        "## Use\n\nFour.\n"
    )
    assert [(one.heading_path, one.text) for one in chunks] == [
        ((), "Intro."),
        (("Guide",), "One."),
        (("Guide", "setup()"), "Two."),
        (("Guide", "setup()", "Linux"), "Three."),
        (("Guide", "Use"), "Four."),
    ]


def test_a_hash_inside_code_is_no_heading() -> None:
    (only,) = split("Run:\n\n```sh\n# a comment\nmake\n\n# another\n```\n\nDone.")
    assert only.text.endswith("Done.")
    (still_open,) = split("````\n# x\n```\n# y")
    assert still_open.heading_path == ()


def test_code_and_tables_stay_whole_when_they_fit() -> None:
    code = "```python\n" + "\n\n".join(f"line_{n} = {n}" for n in range(8)) + "\n```"
    table = "| a | b |\n| --- | --- |\n" + "\n".join(f"| {n} | x |" for n in range(5))
    chunks = split(f"{words(40)}\n\n{code}\n\n{words(40)}\n\n{table}\n\n{words(30)}")
    texts = [one.text for one in chunks]
    assert sum(code in text for text in texts) == 1
    assert sum(table in text for text in texts) == 1


def test_long_code_is_cut_between_lines() -> None:
    lines = [f"value_{n} = compute({n})" for n in range(60)]
    chunks = split("```python\n" + "\n".join(lines) + "\n```")
    assert len(chunks) > 3
    for one in chunks:
        assert set(one.text.split("\n")) <= {*lines, "```python", "```"}


def test_long_paragraphs_are_cut_between_sentences() -> None:
    sentences = [f"Sentence number {n} says something short." for n in range(30)]
    chunks = split(" ".join(sentences))
    assert len(chunks) > 2
    assert " ".join(one.text for one in chunks) == " ".join(sentences)
    assert all(one.text.endswith(".") for one in chunks)


def test_a_word_without_end_is_cut_all_the_same() -> None:
    chunks = split("x" * 5_000)
    assert "".join(one.text for one in chunks) == "x" * 5_000


def test_a_short_rest_joins_its_neighbour() -> None:
    chunks = split(f"{words(LIMIT - 5)}\n\nShort rest.")
    assert len(chunks) == 1
    apart = split(f"{words(LIMIT - 5)}\n\n# New\n\nShort rest.")
    assert len(apart) == 2


def paged(*pages: str) -> list[ChunkDraft]:
    starts, text = [], ""
    for page in pages:
        starts.append(len(text))
        text += page + ("\n\n" if page else "")
    return split(text.rstrip(), *(min(start, len(text.rstrip())) for start in starts))


def test_a_chunk_never_spans_two_pages() -> None:
    pages = ["First page.", "", words(100), "Last page.", ""]
    chunks = paged(*pages)
    assert [chunks[0].page, chunks[-1].page] == [1, 4]
    assert {one.page for one in chunks} == {1, 3, 4}
    assert chunks[-1].text == pages[3]


def test_headings_hold_over_pages() -> None:
    chunks = paged(
        "# Guide\n\nIntro.",
        "goes on.\n\n## Set-up",
        "Of two pages.\n\n## Use\n\nDaily.",
        "# Index\n\nWords.",
    )
    assert [(one.page, one.heading_path, one.text) for one in chunks] == [
        (1, ("Guide",), "Intro."),
        (2, ("Guide",), "goes on."),
        (3, ("Guide", "Set-up"), "Of two pages."),
        (3, ("Guide", "Use"), "Daily."),
        (4, ("Index",), "Words."),
    ]


def test_a_heading_that_nothing_stands_under_is_text() -> None:
    chunks = split("# Guide\n\nIntro.\n\n## Contact\n\n## Use\n\nDaily.\n\n## Imprint\n")
    assert [(one.heading_path, one.text) for one in chunks] == [
        (("Guide",), "Intro.\n\n## Contact"),
        (("Guide", "Use"), "Daily.\n\n## Imprint"),
    ]
    slides = paged("# Welcome", "# Plan\n\nDo it.", "# Questions?")
    assert [(one.page, one.text) for one in slides] == [
        (1, "# Welcome"),
        (2, "Do it."),
        (3, "# Questions?"),
    ]


def test_a_document_of_headings_alone_is_still_found() -> None:
    (only,) = split("# One\n\n## Two\n")
    assert (only.heading_path, only.text) == (("One",), "## Two")
    assert [one.text for one in split("# One\n\n# Two\n")] == ["# One\n\n# Two"]
    assert split("") == split("  \n\n ") == []


def test_later_rows_of_a_long_table_know_its_header() -> None:
    header = "| Part | Price in EUR |"
    rows = [f"| Valve number {n} | {n * 3} |" for n in range(40)]
    table = "\n".join([header, "| --- | ---: |", *rows])
    text = f"{words(20)}\n\n{table}\n\n{words(50)}"
    chunks = split(text)
    begun = [one for one in chunks if "| Part |" in one.text or one.text.startswith("word")]
    later = [one for one in chunks if one not in begun]
    assert {table_header_at(text, one.char_start) for one in begun} == {""}
    assert {table_header_at(text, one.char_start) for one in later} == {header}
    assert len(later) > 4
    listed = [row for one in chunks for row in one.text.split("\n") if row.startswith("| V")]
    assert listed == rows


def test_rows_without_a_header_have_none() -> None:
    rows = "\n".join(f"| Valve number {n} | {n * 3} |" for n in range(40))
    assert {table_header_at(rows, one.char_start) for one in split(rows)} == {""}
    assert table_header_at(rows, 10**6) == ""


def test_long_code_is_cut_between_functions_where_it_can_be() -> None:
    function = "def step_{n}(value):\n    first = value + {n}\n\n    return first * {n}"
    functions = [function.format(n=n) for n in range(12)]
    chunks = split("```python\n" + "\n\n\n".join(functions) + "\n```")
    assert len(chunks) > 3
    for one in chunks:
        assert one.text.startswith(("```python\ndef ", "def "))
        assert one.text.count("def ") == one.text.count("return")


def test_a_record_is_never_cut_unless_it_alone_is_too_long() -> None:
    records = [f"Name: Valve {n}\nPrice: {n} EUR\nStock: {n * 7} pieces" for n in range(30)]
    long = "Name: Long\nNote: " + words(100)
    text = "# Parts\n\n" + "\n\n".join([*records, long, *records])
    chunks = split(text)
    for one in chunks:
        parts = one.text.split("\n\n")
        assert all(part in records or part in long for part in parts), one.text
        assert one.heading_path == ("Parts",)


def test_characters_count_where_the_tokenizer_sees_one_word() -> None:
    blob = "A" * 200_000
    document = ExtractedDocument("", f"{words(10)}\n\n{blob}")
    chunks = split_document(
        document, count_tokens=lambda texts: [len(text.split()) for text in texts], max_tokens=200
    )
    assert max(len(one.text) for one in chunks) <= 200 * (MAX_CHARS_PER_TOKEN + 1)
    assert "".join(one.text for one in chunks[1:]).endswith("A" * 1_000)


def test_the_same_text_gives_the_same_chunks() -> None:
    text = "\n\n".join([words(20), "# H", words(300), "| a |\n| - |\n" + "| x |\n" * 99] * 5)
    assert split(text) == split(text)


def test_tokens_are_counted_in_few_calls() -> None:
    n_calls = 0

    def counting(texts: Sequence[str]) -> list[int]:
        nonlocal n_calls
        n_calls += 1
        return count_tokens(texts)

    text = "\n\n".join([words(20), words(300), "# H", words(70)] * 200)
    chunks = split_document(ExtractedDocument("", text), count_tokens=counting, max_tokens=LIMIT)
    assert len(chunks) > 800
    assert n_calls <= 8


_LINES = st.sampled_from(
    [
        "", "", "# Heading", "### Deep `x`", "#nospace", "```", "~~~", "````python", "- item",
        "| a | b |", "| --- | --- |", "Some words here.", words(30), words(90), "x" * 700,
        "\u4f60\u597d\u3002" * 50, "   indented", "\t", "> quote", "\u00a0", "\x85", "\u2028",
    ]
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(_LINES, max_size=30), st.lists(st.integers(0, 2_000), max_size=4))
def test_nothing_is_lost_doubled_or_moved(lines: list[str], borders: list[int]) -> None:
    text = "\n".join(lines)
    starts = [0, *sorted(one for one in borders if one <= len(text))] if borders else []
    chunks = split(text, *starts)
    covered = [False] * len(text)
    for one in chunks:
        assert not any(covered[one.char_start : one.char_end])
        covered[one.char_start : one.char_end] = [True] * len(one.text)
        if starts:
            assert one.page is not None
            assert starts[one.page - 1] <= one.char_start
            assert one.char_end <= [*starts, len(text)][one.page]
    assert [one.char_start for one in chunks] == sorted(one.char_start for one in chunks)
    left = "".join(char for char, is_in in zip(text, covered, strict=True) if not is_in)
    for line in left.split("\n"):
        assert not line.strip() or line.lstrip().startswith("#")
