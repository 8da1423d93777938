"""Whether the passages say what a generated answer says, sentence by sentence."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from bots.answering.answer_sentences import answer_blocks
from bots.engines.base import Passage
from bots.engines.quoting import content_words
from bots.engines.sentences import split_sentences

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Embed = Callable[[Sequence[str]], Awaitable["NDArray[np.float32]"]]
"""Texts to embeddings: float32 (n, d), rows L2-normalised, in the order of the texts."""

MAX_CLAIMS = 60
"""Sentences of one answer that are checked; those after them count as claiming nothing."""
MAX_READ_PASSAGES = 256
"""Passages whose sentences are kept: some 30 kB each."""
N_WITNESSES = 2
"""Sentences of the passages that each claim is compared with: those that share most words."""

# Chosen on one half of the labelled articles and measured on the other (docs/answers.md).
_OVERLAP = 0.5
_THRESHOLD = 0.6
_TOO_FEW = 0.2  # below it no similarity could lift a claim over the threshold
_VERBATIM = 0.9  # share of its words in one sentence from which meaning need not be asked
_SAME = 0.75  # share of words from which a negation more or less turns the meaning round
_MIN_WORDS = 3  # "Here you are." claims nothing
_MANY_CAPITALS = 0.3  # a language that writes common nouns with capitals has no telling names


@dataclass(frozen=True, slots=True)
class SentenceCheck:
    """What became of one sentence.

    `is_supported` is None where nothing is claimed: greetings, announcements, questions.
    `similarity` (cosine) and `overlap` (share of its words) are those of the closest place in the
    passages, which stands in passage `n`; None where there is none. `similarity` is None also where
    words decided alone.
    """

    text: str
    is_supported: bool | None
    similarity: float | None = None
    overlap: float = 0.0
    n: int | None = None


@dataclass(frozen=True, slots=True)
class _Facts:
    """What a text says as far as can be compared without understanding it."""

    words: frozenset[str]
    numbers: frozenset[str]
    names: frozenset[str]
    is_negative: bool


@dataclass(frozen=True, slots=True)
class _Witness:
    """A sentence of passage `n`; `around` are the words of it and of its neighbours."""

    text: str
    n: int
    facts: _Facts
    around: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Claim:
    """A sentence of the answer and the witnesses that come closest, by their words."""

    text: str
    facts: _Facts
    witnesses: tuple[_Witness, ...]
    overlaps: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class _Known:
    """All that the passages mention, their titles included."""

    words: frozenset[str]
    numbers: frozenset[str]
    checks_names: bool


async def check_answer(
    text: str, passages: Sequence[Passage], embed: Embed
) -> tuple[SentenceCheck, ...]:
    """One check for each sentence of `text`, in order; code and headings are not checked.

    For whole answers, after the stream: splitting runs in a thread, and `embed` is called once at
    most. Errors of `embed` come out as they are.
    """
    texts, claims, known = await asyncio.to_thread(_prepare, text, passages)
    asked = list(dict.fromkeys(t for c in claims.values() for t in _compared(c, known)))
    rows = dict(zip(asked, await embed(asked), strict=True)) if asked else {}
    return tuple(
        _judge(claims[i], known, rows) if i in claims else SentenceCheck(one, None)
        for i, one in enumerate(texts)
    )


def _prepare(text: str, passages: Sequence[Passage]) -> tuple[list[str], dict[int, _Claim], _Known]:
    """The sentences of `text`, the claims among them by place, and what the passages mention."""
    texts = [piece.text for block in answer_blocks(text) for piece in block.pieces]
    witnesses = [one for passage in passages for one in _witnesses(passage)]
    sources = [f"{passage.title}\n{passage.text}" for passage in passages]
    claims = {}
    for i, one in enumerate(texts[:MAX_CLAIMS]):
        facts = _facts(one)
        if _claims_something(one, facts):
            claims[i] = _claim(one, facts, witnesses)
    known = _Known(
        frozenset(word for source in sources for word in content_words(source)),
        frozenset(number for source in sources for number in _numbers(source)),
        _capital_share(sources) < _MANY_CAPITALS,
    )
    return texts, claims, known


def _witnesses(passage: Passage) -> list[_Witness]:
    return [
        _Witness(text, passage.n, facts, around)
        for text, facts, around in _read(passage.title, passage.text)
    ]


@lru_cache(maxsize=MAX_READ_PASSAGES)
def _read(title: str, text: str) -> tuple[tuple[str, _Facts, frozenset[str]], ...]:
    """The sentences of a passage, what each says, and the words of it and of its neighbours.

    Kept, because a bot answers from the same passages again and again, and reading them took a
    sixth of the processor time of an answer.
    """
    texts = [f"{one.text} {one.code}".strip() for one in split_sentences(text)]
    facts = [_facts(one) for one in texts]
    said = content_words(title)
    return tuple(
        (one, facts[i], said.union(*(near.words for near in _near(facts, i))))
        for i, one in enumerate(texts)
    )


def _near(facts: Sequence[_Facts], i: int) -> Sequence[_Facts]:
    return facts[max(0, i - 1) : i + 2]


def _claim(text: str, facts: _Facts, witnesses: Sequence[_Witness]) -> _Claim:
    def closeness(one: _Witness) -> float:
        return _share(facts.words, one.around) + _share(facts.words, one.facts.words)

    closest = sorted(witnesses, key=closeness, reverse=True)[:N_WITNESSES]
    overlaps = tuple(_share(facts.words, one.around) for one in closest)
    return _Claim(text, facts, tuple(closest), overlaps)


def _compared(claim: _Claim, known: _Known) -> list[str]:
    """What must be embedded to judge the claim: nothing where words decide."""
    if _by_words(claim, known) is not None:
        return []
    return [claim.text, *(one.text for one in claim.witnesses)]


def _by_words(claim: _Claim, known: _Known) -> bool | None:
    """The verdict where it is plain without meaning, else None."""
    if not claim.witnesses or max(claim.overlaps) < _TOO_FEW or _invents(claim.facts, known):
        return False
    closest = claim.witnesses[0]
    if _share(claim.facts.words, closest.facts.words) >= _VERBATIM:
        return not _is_turned_round(claim.facts, closest.facts)
    return None


def _judge(claim: _Claim, known: _Known, rows: dict[str, NDArray[np.float32]]) -> SentenceCheck:
    verdict = _by_words(claim, known)
    if verdict is not None:
        n = claim.witnesses[0].n if claim.witnesses else None
        overlap = round(max(claim.overlaps, default=0.0), 3)
        return SentenceCheck(claim.text, verdict, overlap=overlap, n=n)
    similarities = [float(rows[claim.text] @ rows[one.text]) for one in claim.witnesses]
    score, i = max(
        ((1 - _OVERLAP) * similarity + _OVERLAP * overlap, i)
        for i, (similarity, overlap) in enumerate(zip(similarities, claim.overlaps, strict=True))
    )
    is_turned = _is_turned_round(claim.facts, claim.witnesses[i].facts)
    return SentenceCheck(
        text=claim.text,
        is_supported=score >= _THRESHOLD and not is_turned,
        similarity=round(similarities[i], 3),
        overlap=round(claim.overlaps[i], 3),
        n=claim.witnesses[i].n,
    )


def _invents(facts: _Facts, known: _Known) -> bool:
    """Whether it has a number or a name that no passage has."""
    if facts.numbers - known.numbers:
        return True
    return known.checks_names and bool(facts.names - known.words)


def _is_turned_round(facts: _Facts, witness: _Facts) -> bool:
    """Whether it says what the witness says with one negation more or less."""
    is_same = _share(facts.words, witness.words) >= _SAME
    return is_same and facts.is_negative is not witness.is_negative


def _share(words: frozenset[str], among: frozenset[str]) -> float:
    return len(words & among) / len(words) if words else 0.0


_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_COUNTED = re.compile(  # "one" is more often a pronoun
    r"\b(?:(two)|(three)|(four)|(five)|(six)|(seven)|(eight)|(nine)|(ten)|(eleven)|(twelve))\b"
)
_NAME = re.compile(r"(?<=[\w,;:)\"'] )[\"'(]?([A-Z][\w-]*|\w*[a-z][A-Z]\w*)")
_CAPITALS = re.compile(r"(?<=\w )([A-Z])?\w")
_NEGATION = re.compile(
    r"\b(?:not|no|never|none|nobody|nothing|neither|nor|without|cannot|unable|fails?|failed)\b"
    r"|n[’']t\b",  # noqa: RUF001
    re.IGNORECASE,
)
_OPENING = re.compile(
    r"(?:hello|hi|hey|welcome|thanks|thank you|sure|of course|certainly|sorry|i hope|let me know|"
    r"feel free|here (?:is|are|'s)|happy to help|i'm|i am|if you have (?:any )?(?:more |other |"
    r"further )?questions)\b",
    re.IGNORECASE,
)


def _claims_something(text: str, facts: _Facts) -> bool:
    if text.endswith((":", "?")):
        return False
    if _OPENING.match(text) and not facts.numbers and not facts.names:
        return False
    return len(facts.words) >= _MIN_WORDS or bool(facts.numbers)


def _facts(text: str) -> _Facts:
    names = {word for name in _NAME.findall(text) for word in content_words(name)}
    return _Facts(
        words=content_words(text),
        numbers=frozenset(_numbers(text)),
        names=frozenset(word for word in names if not word.isdigit()),
        is_negative=len(_NEGATION.findall(text)) % 2 == 1,
    )


def _numbers(text: str) -> list[str]:
    """Numbers as digits, whatever stands between thousands; small ones also from words."""
    lowered = text.lower()
    digits = [number.replace(",", "") for number in _NUMBER.findall(lowered)]
    return digits + [str((found.lastindex or 0) + 1) for found in _COUNTED.finditer(lowered)]


def _capital_share(texts: Sequence[str]) -> float:
    found = [bool(capital) for text in texts for capital in _CAPITALS.findall(text)]
    return sum(found) / len(found) if found else 0.0
