from __future__ import annotations

from ingestion.extraction.pdf_layout import to_markdown, without_running_lines
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
