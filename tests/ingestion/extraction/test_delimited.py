from __future__ import annotations

import pytest

from ingestion.errors import FileDamaged, NoTextFound, TableTooLarge, TextNotDecodable
from ingestion.extraction import delimited
from ingestion.extraction.delimited import extract_delimited, find_delimiter


def text_of(content: str, encoding: str = "utf-8") -> str:
    return extract_delimited(content.encode(encoding)).text


@pytest.mark.parametrize(
    ("content", "delimiter"),
    [
        ("a,b,c\n1,2,3\n", ","),
        ("Name;Price\nChair;1,50\nTable;2,50\n", ";"),
        ("a\tb\n1\t2,3\n", "\t"),
        ("a|b\n1|2\n", "|"),
        ('"Last, first";Age\n"Doe, Jane";30\n', ";"),
        ("only one column\nof words\n", ","),
    ],
)
def test_the_delimiter_is_the_one_that_cuts_evenly(content: str, delimiter: str) -> None:
    assert find_delimiter(content) == delimiter


def test_every_row_becomes_a_record_with_its_header() -> None:
    content = 'Question,Answer\n"How long, please?","30 days\nor more"\n\nCost?,None\n'
    assert text_of(content) == (
        "Question: How long, please?\nAnswer: 30 days\nor more\n\nQuestion: Cost?; Answer: None"
    )
    assert text_of("sep=|\nx|y\n1|2\n") == "x: 1; y: 2"
    assert text_of("Name\nAnna\nBob\n") == "Name: Anna\n\nName: Bob"


def test_rows_without_a_header_stand_alone() -> None:
    assert text_of("1,2,3\n4,5,6\n") == "1; 2; 3\n\n4; 5; 6"


def test_longer_and_shorter_rows_lose_nothing() -> None:
    assert text_of("a,b\n1\n1,2,3\n") == "a: 1\n\na: 1; b: 2; 3"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_the_usual_encodings_are_read(encoding: str) -> None:
    content = "Straße;Größe\nMüllergasse;schön groß\nBäckerstraße;völlig überfüllt\n"
    assert text_of(content, encoding).startswith("Straße: Müllergasse; Größe: schön groß")


def test_a_quote_that_never_ends_hides_no_rows() -> None:
    assert text_of('Name\tNote\nA\t5" pipe\nB\tx\n') == 'Name: A; Note: 5" pipe\n\nName: B; Note: x'


def test_limits_are_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NoTextFound):
        text_of(",,,\n,,,\n")
    with pytest.raises(TextNotDecodable):
        extract_delimited(bytes(range(256)) * 8)
    with pytest.raises(FileDamaged):
        text_of('"' + "x" * 1_100_000 + '"')
    with pytest.raises(TableTooLarge):
        text_of("a" + "," * 20_000)
    monkeypatch.setattr(delimited, "MAX_CELLS", 5)
    with pytest.raises(TableTooLarge):
        text_of("a,b\n1,2\n3,4\n")
