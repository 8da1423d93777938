"""Which sentences of the passages answer the question: candidates, scores, choice. Pure."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from bots.engines.base import Passage
from bots.engines.markdown_blocks import BlockKind
from bots.engines.sentences import Sentence, split_sentences
from bots.engines.wordlists import QUESTION_MARKS, STOP_WORDS

MAX_CANDIDATES = 16
"""Sentences that are embedded for one answer. Measured: 16 of 30 find as much as all of them."""
MAX_QUOTES = 3

# Shares of the score. Meaning leads; words decide between sentences on the same subject.
_MEANING = 0.6
_WORDS = 0.4
_RANK = 0.1
_NEIGHBOUR = 0.15  # of the better neighbour's score: an answer stands close to its subject
_CUE = 0.08  # the sentence holds the kind of thing that is asked for
_TITLE = -1.0
_FRAGMENT = -0.1  # a caption, a menu entry, a single line of code

_KEEP = 0.7  # of the best score: weaker sentences are not worth quoting
_ALIKE = 0.95  # share of words from which two sentences say the same

_LONGEST_BEFORE = 300
_TITLE_WORDS = 5

_WORD = re.compile(r"\w+")
_SUFFIX = re.compile(r"(?:ies|ing|ed|es|ly|s|e)$")
_HOW_TO = re.compile(r"\bhow (?:do|can|to|should|would)\b", re.IGNORECASE)
# Asides of documentation: about the text, not about its subject.
_ASIDE = re.compile(
    r"(?:changed|new|added|deprecated) (?:in|since) version|note\b|see\b|"
    r"for (?:more|additional|further) (?:information|details)",
    re.IGNORECASE,
)
# What only links a sentence to the one before it can go; what leans on it cannot.
_LINK = re.compile(
    r"(?:however|therefore|thus|hence|moreover|furthermore|additionally|also|in addition|besides|"
    r"nevertheless|nonetheless|consequently|as a result|similarly|likewise|meanwhile|"
    r"on the other hand|in contrast|by contrast|accordingly|and|but|so), (?=\w)",
    re.IGNORECASE,
)
_LEANS = re.compile(
    r"(?:it|its|they|their|he|his|she|her|this|that|these|those|such|both|otherwise|instead|then|"
    r"but|and|so|or|yet)\b(?! is (?:possible|important|recommended|necessary))",
    re.IGNORECASE,
)
_CUES = (
    (
        re.compile(r"\b(?:when|what (?:year|date|day|time)|which (?:year|century))\b", re.I),
        re.compile(r"\b\d{1,4}\b|century", re.I),
    ),
    (
        re.compile(r"\bhow (?:many|much|long|old|far|tall|high|often)\b|\bwhat percent", re.I),
        re.compile(r"\d|\b(?:two|three|four|five|six|seven|eight|nine|ten|half|twice)\b", re.I),
    ),
    (
        re.compile(r"\b(?:who|whom|whose|where)\b", re.I),
        re.compile(r"(?<!^)(?<![.!?:] )\b[A-Z]\w+"),
    ),
    (
        re.compile(r"\bwhy\b", re.I),
        re.compile(r"\b(?:because|since|due to|so that|in order|reason|caused?)\b", re.I),
    ),
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence, where it stands, its content words, and what it leans on ("It ...") or "".

    `asked` is the question that the passage is headed by, as in a list of frequent ones; "" where
    it is headed by none.
    """

    sentence: Sentence
    n: int
    rank: int
    ordinal: int
    words: frozenset[str]
    before: str = ""
    asked: str = ""

    @property
    def meaning(self) -> str:
        """What is embedded: an answer to a question says little without it."""
        return " ".join(
            part for part in (self.asked, self.sentence.text, self.sentence.code) if part
        )


@dataclass(frozen=True, slots=True)
class Quote:
    """A sentence as it is quoted; one that leans on the sentence before has that in front."""

    sentence: Sentence
    n: int


def content_words(text: str) -> frozenset[str]:
    """The words that carry the subject, cut to a rough stem."""
    words = _WORD.findall(text.lower())
    return frozenset(_stem(word) for word in words if word not in STOP_WORDS)


def _stem(word: str) -> str:
    return _SUFFIX.sub("", word) if len(word) > 3 and not word.isdigit() else word


def find_candidates(question: str, passages: Sequence[Passage]) -> list[Candidate]:
    """The sentences of the passages that may answer, at most 16, in reading order.

    Where there are more, those stay that share the weightiest words with the question, the first
    passages before the later; what a sentence stands between counts a little.
    """
    found = [one for rank, passage in enumerate(passages) for one in _read(passage, rank)]
    if len(found) <= MAX_CANDIDATES:
        return found
    scores = _scores(question, found, [0.0] * len(found))
    best = sorted(range(len(found)), key=lambda i: -scores[i])[:MAX_CANDIDATES]
    return [found[i] for i in sorted(best)]


def _read(passage: Passage, rank: int) -> Iterator[Candidate]:
    before, asked = "", _question_of(passage.title)
    for ordinal, sentence in enumerate(split_sentences(passage.text)):
        words = content_words(f"{asked} {sentence.text} {sentence.code}")
        is_prose = sentence.kind is BlockKind.PROSE
        leans_on = before if is_prose and _LEANS.match(sentence.text) else ""
        yield Candidate(sentence, passage.n, rank, ordinal, words, leans_on, asked)
        is_context = is_prose and not sentence.code and len(sentence.text) <= _LONGEST_BEFORE
        before = sentence.text if is_context else ""


def _question_of(title: str) -> str:
    """The nearest heading where it is a question, or ""."""
    heading = title.rpartition("\u203a")[2].strip()
    return heading if heading.endswith(QUESTION_MARKS) else ""


def choose_quotes(
    question: str, candidates: Sequence[Candidate], similarities: Sequence[float]
) -> list[Quote]:
    """The best at most 3 sentences; those of one passage in reading order, the best passage first.

    A sentence that leans on the one before ("It was founded ...") brings that along if there is
    room; links to sentences that are not quoted ("However, ...") are cut off. `similarities[i]` is
    the cosine of the question and candidate i.
    """
    scores = _scores(question, candidates, similarities)
    order = sorted(range(len(candidates)), key=lambda i: -scores[i])
    picked: list[int] = []
    n_sentences = 0
    for i in order:
        if n_sentences == MAX_QUOTES or scores[i] < _KEEP * scores[order[0]]:
            break
        if not any(_alike(candidates[i], candidates[other]) for other in picked):
            picked.append(i)
            n_sentences += 2 if candidates[i].before and n_sentences + 2 <= MAX_QUOTES else 1
    passages = list(dict.fromkeys(candidates[i].rank for i in picked))
    picked.sort(key=lambda i: (passages.index(candidates[i].rank), i))
    return _quotes([candidates[i] for i in picked])


def _quotes(picked: Sequence[Candidate]) -> list[Quote]:
    """The sentences as they are shown, never more than 3, each next to what it leans on."""
    room = MAX_QUOTES - len(picked)
    quotes = []
    previous: Candidate | None = None
    for one in picked:
        follows = (
            previous is not None
            and previous.rank == one.rank
            and previous.ordinal == one.ordinal - 1
        )
        text = one.sentence.text
        if not follows:
            text = _without_link(text)
            if one.before and room:
                text = f"{_without_link(one.before)} {text}"
                room -= 1
        quotes.append(Quote(replace(one.sentence, text=text), one.n))
        previous = one
    return quotes


def _without_link(text: str) -> str:
    link = _LINK.match(text)
    return text[link.end()].upper() + text[link.end() + 1 :] if link else text


def _scores(
    question: str, candidates: Sequence[Candidate], similarities: Sequence[float]
) -> list[float]:
    weights = _weights(content_words(question), candidates)
    last = max((one.rank for one in candidates), default=0) + 1
    own = [
        _MEANING * similarity
        + _WORDS * _overlap(one, weights)
        + _RANK * (1 - one.rank / last)
        + _fit(question, one.sentence)
        for one, similarity in zip(candidates, similarities, strict=True)
    ]
    return [
        score + _NEIGHBOUR * max((own[j] for j in _neighbours(candidates, i)), default=0.0)
        for i, score in enumerate(own)
    ]


def _weights(asked: frozenset[str], candidates: Sequence[Candidate]) -> Mapping[str, float]:
    """The words of the question with their rarity among the candidates, summing to 1."""
    counts = Counter(word for one in candidates for word in one.words & asked)
    rarity = {word: math.log((len(candidates) + 1) / (counts[word] + 0.5)) for word in asked}
    total = sum(rarity.values()) or 1.0
    return {word: value / total for word, value in rarity.items()}


def _overlap(one: Candidate, weights: Mapping[str, float]) -> float:
    return sum(weights[word] for word in one.words if word in weights)


def _neighbours(candidates: Sequence[Candidate], i: int) -> list[int]:
    """The places of the sentences right before and after, in the same passage."""
    return [
        j
        for j in (i - 1, i + 1)
        if 0 <= j < len(candidates)
        and candidates[j].rank == candidates[i].rank
        and abs(candidates[j].ordinal - candidates[i].ordinal) == 1
    ]


def _fit(question: str, sentence: Sentence) -> float:
    fit = 0.0
    if any(asks.search(question) and has.search(sentence.text) for asks, has in _CUES):
        fit += _CUE
    if _HOW_TO.search(question) and (sentence.code or sentence.kind is BlockKind.ITEM):
        fit += _CUE
    if sentence.text.endswith("?") or (sentence.text.endswith(":") and not sentence.code):
        fit += _FRAGMENT  # a question or an announcement is not the answer
    if sentence.kind is BlockKind.CODE or _ASIDE.match(sentence.text):
        fit += _FRAGMENT
    if sentence.kind is BlockKind.PROSE and len(sentence.text) < 25:
        fit += _FRAGMENT
    if _is_title(sentence):
        fit += _TITLE
    return fit


def _is_title(sentence: Sentence) -> bool:
    """A few words without an end: the heading of something, not a sentence."""
    is_short = len(sentence.text.split()) <= _TITLE_WORDS
    is_open = sentence.kind is BlockKind.PROSE and not sentence.code
    return is_open and is_short and sentence.text[-1].isalnum()


def _alike(one: Candidate, other: Candidate) -> bool:
    union = one.words | other.words
    return bool(union) and len(one.words & other.words) >= _ALIKE * len(union)
