from __future__ import annotations

import pytest

from ingestion.extraction.language import with_language
from ingestion.extraction.registry import extract
from ingestion.extraction.types import ExtractedDocument

GERMAN = (
    "Die Lieferung erfolgt innerhalb von drei Werktagen. Bitte prüfen Sie die Ware sofort nach dem "
    "Empfang und melden Sie Schäden dem Fahrer. Rücksendungen sind in den ersten vierzehn Tagen "
    "kostenlos, danach trägt der Kunde die Kosten."
)
ENGLISH = (
    "Deliveries arrive within three working days. Please check the goods as soon as you receive "
    "them and report any damage to the driver. Returns are free during the first fourteen days."
)
FRENCH = "La livraison a lieu dans les trois jours ouvrables, le client vérifie la marchandise."
CODE = "```python\ndef deliver(parcel: Parcel) -> None:\n    parcel.send_to(driver)\n```\n"


def language(text: str, claimed: str | None = None) -> str | None:
    return with_language(ExtractedDocument("", text, language=claimed)).language


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (GERMAN, "de"),
        (ENGLISH, "en"),
        (FRENCH, "fr"),
        ("配送将在三个工作日内完成。请在收到货物后立即检查。", "zh"),
        ("Доставка осуществляется в течение трёх рабочих дней после оплаты заказа.", "ru"),
        ("商品は三営業日以内に配送されます。受け取り後すぐにご確認ください。", "ja"),
    ],
)
def test_words_tell_the_language(text: str, code: str) -> None:
    assert language(text) == code


def test_a_wrong_claim_loses_against_a_page_of_text() -> None:
    assert language(GERMAN, "en") == "de"
    assert language(ENGLISH, "de") == "en"


def test_a_claim_stands_where_words_do_not_decide() -> None:
    assert language("Kontakt", "de") == "de"
    assert language(GERMAN[:50], "en") == "en"
    assert language("", "pt") == "pt"
    assert language(CODE * 20, "fi") == "fi"
    bokmaal = "Varene leveres innen tre virkedager, og kunden skal kontrollere dem straks. " * 4
    assert language(bokmaal, "nb") == "nb"


@pytest.mark.parametrize(
    "text",
    [
        *("", "OK", "Kontakt"),
        *("12 345,00 67,80 90\n" * 50, CODE * 20),
        "name: Anna Meyer; city: Hamburg\n\n" * 30,
    ],
)
def test_short_texts_numbers_names_and_code_have_none(text: str) -> None:
    assert language(text) is None


def test_code_beside_a_text_does_not_decide() -> None:
    assert language(CODE + GERMAN + CODE) == "de"


def test_a_claim_that_is_no_language_code_is_not_believed() -> None:
    assert language("Kontakt", "x-klingon") is None
    assert language("Kontakt", "") is None


def test_a_long_document_is_judged_by_its_middle_too() -> None:
    assert language("Preface. " * 5 + GERMAN * 400) == "de"


def test_every_kind_of_document_gets_a_language() -> None:
    html = f"<html lang=en><body><main><p>{GERMAN}</p></main></body></html>"
    assert extract(html.encode(), declared="text/html").language == "de"
    assert extract(GERMAN.encode(), name="a.txt").language == "de"
    assert extract(f"# Lieferung\n\n{GERMAN}".encode(), name="a.md").language == "de"
