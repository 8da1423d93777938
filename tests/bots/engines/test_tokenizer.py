from __future__ import annotations

import pytest

from bots.engines.tokenizer import estimate_tokens


@pytest.mark.parametrize(
    ("text", "at_least"),
    [
        ("", 0),
        ("Hello, world!", 4),  # Hello | , | world | !
        ("2024-11-22", 10),  # some vocabularies take digits one by one
        ("internationalization", 3),
        ("aGVsbG8gd29ybGQ", 8),  # random letters: about two a token
        ("日本語", 9),  # a byte-level vocabulary may need every byte
        ("🙂", 4),
        ("a\n\n\tb", 5),
        ("\ud800", 1),
    ],
)
def test_the_estimate_is_never_below_the_worst_tokenizer(text: str, at_least: int) -> None:
    assert estimate_tokens(text) >= at_least


def test_the_estimate_of_prose_stays_useful() -> None:
    prose = "The server keeps the newest turns of a conversation that fit into its context. " * 10
    assert estimate_tokens(prose) < len(prose) * 0.6
