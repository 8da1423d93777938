from __future__ import annotations

from ingestion.extraction.pdf_layout import (
    forget_typewriters,
    to_markdown,
    without_running_lines,
)
from ingestion.extraction.pdf_lines import Line


def page(*texts: str) -> list[Line]:
    """Lines of one print, one below the other; an empty text leaves a gap."""
    return [Line(text, size=10, down=12 * row) for row, text in enumerate(texts) if text]


def test_headers_footers_and_page_numbers_are_left_out() -> None:
    texts = ["Tea is a plant.", "Water boils.", "Cups are round.", "Leaves dry.", "So.", "The end."]
    left, right = "The Manual, Release 1.2", "Acme Ltd."
    pages = [
        page(left if n % 2 else right, text, "A footer", f"{n} of 6")
        for n, text in enumerate(texts, start=1)
    ]
    assert [[line.text for line in one] for one in without_running_lines(pages)] == [
        [text] for text in texts
    ]


def test_a_few_pages_that_begin_alike_are_left_alone() -> None:
    pages = [page("Recipe", "Take water."), page("Recipe", "Take milk."), page("Recipe", "Tea.")]
    assert without_running_lines(pages) == pages
    longer = [*pages, page("Notes"), page("Index"), page("Thanks"), page("About"), page("Contact")]
    assert without_running_lines(longer) == longer


def left_over(pages: list[list[Line]]) -> list[list[str]]:
    return [[line.text for line in one] for one in without_running_lines(pages)]


def test_headers_of_chapters_are_left_out() -> None:
    chapters = ["Cleaning", "Repairs", "Warranty", "Service"]
    words = [("A" * (n + 1), "B" * (n + 1)) for n in range(24)]
    pages = [page(chapters[n // 6], *words[n], f"{n % 6 + 1}") for n in range(24)]
    assert left_over(pages) == [list(one) for one in words]


def test_numbered_headings_above_pages_are_kept() -> None:
    pages = [page(f"Step {n}", "A" * n, f"page {n}") for n in range(1, 9)]
    for one in pages:
        one[0].size = 16
    assert left_over(pages) == [[f"Step {n}", "A" * n] for n in range(1, 9)]


def test_a_title_stays_where_headers_repeat_it() -> None:
    pages = [page("The Manual", "A" * n, "more") for n in range(1, 9)]
    pages[0][0].size = 24
    assert [one[0] for one in left_over(pages)[:2]] == ["The Manual", "AA"]


def test_lines_that_differ_in_more_than_the_pages_number_are_text() -> None:
    prices = [12, 99, 7, 45, 13, 88, 20, 61]
    pages = [page(f"Valve {n}", "Made of brass.", f"Price: {n} EUR") for n in prices]
    assert left_over(pages) == [[line.text for line in one] for one in pages]


def test_a_gap_ends_a_paragraph_and_a_full_line_does_not() -> None:
    markdown = to_markdown(
        page(
            "The first paragraph fills its line to the end",
            "and ends here",
            "",
            "The second one follows after a gap, which is",
            "all that tells",
        )
    )
    assert markdown == (
        "The first paragraph fills its line to the end and ends here\n\n"
        "The second one follows after a gap, which is all that tells"
    )


def test_a_sentence_may_end_where_a_line_does() -> None:
    lines = page(
        "The first sentence of this paragraph ends here.",
        "The second sentence goes on in the same one and",
        "stops. An indented line begins the next one, so.",
        "Here it is.",
    )
    lines[3].left = 20
    assert to_markdown(lines) == (
        "The first sentence of this paragraph ends here. The second sentence goes on in the same "
        "one and stops. An indented line begins the next one, so.\nHere it is."
    )


def test_items_and_rows_begin_lines_of_their_own() -> None:
    lines = page(
        "The list that follows has several long items in it",
        "- the first of which is about as long as others are",
        "\u2022 the second",
        "3. the third",
        "(a) the fourth",
    )
    assert to_markdown(lines).split("\n") == [line.text for line in lines]


def test_a_cut_word_is_made_whole_even_over_a_gap() -> None:
    lines = page("An unusual", "", "tionally short end of a word")
    lines[0].is_cut = True
    assert to_markdown(lines) == "An unusualtionally short end of a word"
    assert to_markdown(page("a short hy-", "phen")) == "a short hyphen"
    assert to_markdown(page("in 1914-", "1918")) == "in 1914-\n1918"


def test_headings_stand_apart() -> None:
    lines = page("Chapter", "Text of it", "Section", "More text")
    lines[0].level, lines[2].level = 1, 2
    assert to_markdown(lines) == "# Chapter\n\nText of it\n\n## Section\n\nMore text"


def test_a_page_without_lines_is_empty() -> None:
    assert to_markdown([]) == ""


def code(*texts: str) -> list[Line]:
    lines = page(*(text.strip() for text in texts))
    for line, text in zip(lines, texts, strict=True):
        line.is_fixed, line.left = True, 60 + 6 * (len(text) - len(text.lstrip()))
    return lines


def test_lines_of_code_are_fenced_and_moved_in() -> None:
    lines = [*page("Run this:"), *code("def run():", "    # go", "    return 1"), *page("Done")]
    assert to_markdown(lines) == (
        "Run this:\n\n```\ndef run():\n    # go\n    return 1\n```\n\nDone"
    )
    assert to_markdown(code("```", "x")) == "~~~\n```\nx\n~~~"
    assert to_markdown([*page("The name"), *code("run"), *page("is free")]).count("```") == 0


def test_a_typewritten_document_is_no_code() -> None:
    pages = [code("A letter that was written", "on a typewriter."), page("Signed")]
    forget_typewriters(pages)
    assert not any(line.is_fixed for one in pages for line in one)
    mixed = [code("x = 1", "y = 2"), page("Some", "text", "beside", "it")]
    forget_typewriters(mixed)
    assert mixed[0][0].is_fixed
