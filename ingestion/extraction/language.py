"""Which language a document is in: what the page claims, unless its words say otherwise."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from ingestion.extraction.types import ExtractedDocument

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

# Two samples, so that a foreign preface does not decide. More changes little but the time.
SAMPLE_CHARS = 300
SCAN_CHARS = 1_500
# Letters of different words: a table repeats its own.
MIN_LETTERS = 40
MIN_CONFIDENCE = 0.8
# What it takes to overrule the page's own claim.
MIN_LETTERS_AGAINST_CLAIM = 120
MIN_CONFIDENCE_AGAINST_CLAIM = 0.95

_CLAIM = re.compile(r"[a-z]{2,3}")
# Neither code nor addresses are in any language.
_NOT_PROSE = re.compile(
    r"^(```|~~~).*?(?:^\1|\Z)|`[^`\n]*`|<[^>\n]{1,200}>|\]\([^)\n]*\)|https?://\S+|\S+@\S+|[\w./\\-]*[/\\]\S*"
    r"|[|#*_=+<>{}\[\]()\\~^]+|\d+",
    re.MULTILINE | re.DOTALL,
)
# "No linguistic content", and what a placeholder text is made of.
_NO_LANGUAGE = frozenset({"zxx", "und", "mul"})
# Written so much alike that words do not decide between them; here the claim is better evidence.
_ALIKE = (
    frozenset({"no", "nb", "nn", "da"}),
    frozenset({"hr", "bs", "sr", "sh"}),
    frozenset({"id", "ms"}),
    frozenset({"zh", "yue", "wuu"}),
    frozenset({"cs", "sk"}),
    frozenset({"gl", "pt"}),
    frozenset({"es", "ast", "an"}),
    frozenset({"hi", "mr", "ne"}),
    frozenset({"fa", "prs"}),
    frozenset({"tl", "fil"}),
)


def with_language(document: ExtractedDocument) -> ExtractedDocument:
    """The document with the language of its text; None where neither it nor its words are sure."""
    claimed = document.language if _CLAIM.fullmatch(document.language or "") else None
    return replace(document, language=_judge(claimed, _prose(document.text)))


def _judge(claimed: str | None, sample: str) -> str | None:
    n_letters = sum(map(str.isalpha, "".join(set(sample.split()))))
    # A sign of Chinese or Japanese says as much as several letters.
    n_letters += 3 * sum("\u3040" <= char <= "\ud7ff" for char in sample)
    if n_letters < MIN_LETTERS:
        return claimed
    code, confidence = _identifier().classify(sample)
    if code in _NO_LANGUAGE:
        return claimed
    if claimed is None:
        return code if confidence >= MIN_CONFIDENCE else None
    is_sure = confidence >= MIN_CONFIDENCE_AGAINST_CLAIM and n_letters >= MIN_LETTERS_AGAINST_CLAIM
    is_alike = any({claimed, code} <= group for group in _ALIKE)
    return code if is_sure and not is_alike else claimed


def _prose(text: str) -> str:
    """Up to two samples of running text, from the beginning and from the middle."""
    middle = len(text) // 2
    starts = (0, middle) if len(text) > 2 * SCAN_CHARS else (0,)
    samples = (_NOT_PROSE.sub(" ", text[start : start + SCAN_CHARS]) for start in starts)
    return " ".join(" ".join(sample.split())[:SAMPLE_CHARS] for sample in samples)


@lru_cache(maxsize=1)
def _identifier() -> LanguageIdentifier:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_pickled_model(MODEL_FILE, norm_probs=True)
