"""Question-answers as CSV: what is understood, what is refused, and what goes out safely."""

from __future__ import annotations

import pytest

from bots.models import QuestionAnswer
from ingestion.errors import QuestionFileInvalid
from ingestion.question_answer_files import MAX_ROWS, read_rows, write_rows
from ingestion.question_answers import FileRow
from ingestion.spreadsheets import guard_cell

WHEN = FileRow(2, "When?", "At nine.")


@pytest.mark.parametrize(
    "body",
    [
        b"question,answer\nWhen?,At nine.\n",
        b"Question;ANSWER\r\nWhen?;At nine.\r\n",
        b"answer\tquestion\nAt nine.\tWhen?",
        b"\xef\xbb\xbfFrage|Antwort\nWhen?|At nine.\n",
        b"id, Q ,notes,A\n7,When?,x,At nine.\n",
        "question,answer\nWhen?,At nine.\n".encode("utf-16"),
    ],
)
def test_columns_separators_and_encodings_are_recognised(body: bytes) -> None:
    assert read_rows(body) == [WHEN]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_words_of_other_languages_survive_any_usual_encoding(encoding: str) -> None:
    text = "Frage;Antwort;Link\nWann ist geöffnet?;Täglich außer sonntags, für Sie.;example.com\n"
    row = FileRow(2, "Wann ist geöffnet?", "Täglich außer sonntags, für Sie.", "example.com")
    assert read_rows(text.encode(encoding)) == [row]


def test_rows_have_the_numbers_of_their_lines_and_empty_ones_are_left_out() -> None:
    body = b'question,answer,link\n\nA,"two\nlines"\n,,\nB,"x, y",z\nC\n'
    assert read_rows(body) == [
        FileRow(3, "A", "two\nlines"),
        FileRow(6, "B", "x, y", "z"),
        FileRow(7, "C", ""),
    ]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"question,answer\n", "holds no question"),
        (b"When?,At nine.\n", "first row must name the columns"),
        (b"question,text\nWhen?,At nine.\n", "first row must name the columns"),
        (b"PK\x03\x04rest", "Save it as CSV"),
        (bytes(range(256)) * 40, "is no text"),
        (b'question,answer\nA,"' + b"x" * 200_000, "line 2"),
        (b"question,answer\n" + b"a,b\n" * (MAX_ROWS + 1), "5,001 rows"),
        (b"x" * 25_000_001, "larger than 25 MB"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_as_a_whole(body: bytes, reason: str) -> None:
    with pytest.raises(QuestionFileInvalid) as refusal:
        read_rows(body)
    assert reason in refusal.value.public_message


@pytest.mark.parametrize(
    "text", ["=HYPERLINK(1)", "+1", "-1", "@x", "\tx", "\rx", "\nx", "\uff1dx", "'=x", "''+x"]
)
def test_what_a_spreadsheet_would_run_is_guarded(text: str) -> None:
    assert guard_cell(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "x", "a=b", "'x", "''", "5 + 5"])
def test_what_is_harmless_stays_as_it_is(text: str) -> None:
    assert guard_cell(text) == text


def test_what_was_exported_comes_back_as_it_was() -> None:
    texts = [
        "=SUM(A1)",
        "'=quoted",
        "''-x",
        "- a list\n- of two",
        'say "hi", he; said',
        "ü\t|",
        "'",
    ]
    pairs = [QuestionAnswer(question=f"Q{n}", answer=text) for n, text in enumerate(texts)]
    pairs.append(QuestionAnswer(question="@all?", answer="a", url="https://example.com/"))
    rows = read_rows("".join(write_rows(pairs)).encode())
    assert [(row.question, row.answer, row.url) for row in rows] == [
        (pair.question, pair.answer, pair.url) for pair in pairs
    ]
