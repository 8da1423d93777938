"""The weights of the confidence that a bot's floor is compared with, and what the floor then does.

Questions of qa/squad.json that a bot can answer, and questions on other subjects, are asked of bots
of many sizes: all paragraphs, those of one article, and three to sixty drawn at random; and once as
a follow-up behind another question. A logistic model learns to tell them apart by the signals of
`bots.knowledge.relevance`. Every figure here is of articles that the model has not seen: it learns
from all but one article, is asked about that one, and so on in turn. The weights printed at the end
are learnt from all.
"""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.report import Options, Table
from benchmarks.retrieval import Models, embedded_text, index, load_questions
from bots.knowledge.edge_store import EdgeStore
from bots.knowledge.embedder import Embedder
from bots.knowledge.embedding import collection_name
from bots.knowledge.relevance import DEFAULT_FLOOR, N_JUDGED, Signals, signals
from bots.knowledge.sparse import SparseEmbedder
from bots.knowledge.types import HybridQuery

if TYPE_CHECKING:
    from numpy.typing import NDArray

FLOORS = (0.3, 0.4, 0.5, 0.6, 0.7)
SMALL_BOTS = (3, 12, 60)
# Joined questions must be embedded anew, so only every so many questions are followed up.
FOLLOWED_UP = 8
REGULARISATION = 1.0
SEED = 20261124


@dataclass(frozen=True, slots=True)
class Asked:
    """One question at one bot. `group` names the kind of bot, `article` the fold."""

    signals: Signals
    is_answerable: bool
    group: str
    article: int


@dataclass(frozen=True, slots=True)
class Question:
    """`paragraph` is the place of the one that answers it, None for another subject."""

    text: str
    vector: NDArray[np.float32]
    paragraph: int | None
    article: int


def run(options: Options) -> list[Table]:
    """Two tables: what each floor does in cross-validation, and the weights."""
    data = load_questions(options)
    models = Models(Embedder(), SparseEmbedder())
    models.dense.warm_up()
    with tempfile.TemporaryDirectory() as folder:
        store = EdgeStore(
            Path(folder),
            collection=collection_name(models.dense.name),
            dimension=models.dense.dimension,
        )
        asked = list(_ask(store, models, data))
        store.close()
    return [_floors(asked, _cross_validated(asked)), _weights(asked)]


def _ask(store: EdgeStore, models: Models, data: dict[str, Any]) -> Iterator[Asked]:
    random = np.random.default_rng(SEED)
    questions = list(_questions(models, data, random))
    paragraphs = data["paragraphs"]
    articles = _numbered(paragraphs)
    vectors = models.dense.embed_passages([embedded_text(one) for one in paragraphs])
    shuffled = random.permutation(len(paragraphs))
    layouts: dict[str, NDArray[Any]] = {
        "all paragraphs": np.zeros(len(paragraphs), dtype=int),
        "one article": np.array([articles[one["title"]] for one in paragraphs]),
        **{f"{size} paragraphs": np.argsort(shuffled) // size for size in SMALL_BOTS},
    }
    for group, layout in layouts.items():
        for part in set(layout.tolist()):
            chosen = np.flatnonzero(layout == part)
            mine = [paragraphs[n] for n in chosen]
            index(store, models, mine, vectors[chosen], _bot(group, part))
        for question in questions:
            place = question.paragraph
            home = layout[random.integers(len(layout)) if place is None else place]
            yield _judged(store, models, question, group, _bot(group, int(home)))
    followed = _followed_up(models, questions)
    for question in followed:
        yield _judged(store, models, question, "follow-up", _bot("all paragraphs", 0))


def _judged(
    store: EdgeStore, models: Models, question: Question, group: str, bot: uuid.UUID
) -> Asked:
    query = HybridQuery(question.vector, models.sparse.embed_query(question.text))
    found = store.search(bot, query, limit=N_JUDGED)
    return Asked(signals(found), question.paragraph is not None, group, question.article)


def _questions(models: Models, data: dict[str, Any], random: Any) -> Iterator[Question]:
    """Answerable ones with their article; those on other subjects are dealt to the articles."""
    articles = _numbered(data["paragraphs"])
    places = {one["id"]: place for place, one in enumerate(data["paragraphs"])}
    for one in data["questions"]:
        if one["answerable"]:
            place = places[one["paragraph"]]
            article = articles[data["paragraphs"][place]["title"]]
            vector = models.dense.embed_query(one["question"])
            yield Question(one["question"], vector, place, article)
    for one in data["off_topic"]:
        text = one if isinstance(one, str) else one["question"]
        article = int(random.integers(len(articles)))
        yield Question(text, models.dense.embed_query(text), None, article)


def _followed_up(models: Models, questions: Sequence[Question]) -> Iterator[Question]:
    """Questions behind another one on the same paragraph, or behind another off the subject."""
    for number, question in enumerate(questions[1:], start=1):
        before = questions[number - 1]
        if number % FOLLOWED_UP == 0 and before.paragraph == question.paragraph:
            text = f"{before.text}\n{question.text}"
            vector = models.dense.embed_query(text)
            yield Question(text, vector, question.paragraph, question.article)


def _numbered(paragraphs: Sequence[dict[str, Any]]) -> dict[str, int]:
    titles = dict.fromkeys(one["title"] for one in paragraphs)
    return {title: number for number, title in enumerate(titles)}


def _bot(group: str, part: int) -> uuid.UUID:
    return uuid.uuid5(uuid.NAMESPACE_URL, f"{group}/{part}")


def _arrays(asked: Sequence[Asked]) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Signals (n, 4), labels (n,), and weights (n,) by which every kind of bot counts alike."""
    x = np.array([astuple(one.signals) for one in asked])
    y = np.array([one.is_answerable for one in asked])
    cells = [(one.group, one.is_answerable) for one in asked]
    counts = {cell: cells.count(cell) for cell in set(cells)}
    weights = np.array([1 / counts[cell] for cell in cells])
    return x, y, weights * len(asked) / weights.sum()


def _fitted(x: NDArray[Any], y: NDArray[Any], weights: NDArray[Any]) -> NDArray[Any]:
    """The coefficients of `Signals` in their order, then the bias."""
    from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]

    mean, scale = x.mean(axis=0), x.std(axis=0) + 1e-9
    model = LogisticRegression(C=REGULARISATION).fit((x - mean) / scale, y, sample_weight=weights)
    coefficients = model.coef_[0] / scale
    return np.append(coefficients, model.intercept_[0] - float(coefficients @ mean))


def _cross_validated(asked: Sequence[Asked]) -> NDArray[Any]:
    """The confidence of every question by a model that has not seen its article."""
    x, y, weights = _arrays(asked)
    articles = np.array([one.article for one in asked])
    confidence = np.zeros(len(asked))
    for article in set(articles.tolist()):
        unseen = articles == article
        fitted = _fitted(x[~unseen], y[~unseen], weights[~unseen])
        confidence[unseen] = 1 / (1 + np.exp(-(x[unseen] @ fitted[:-1] + fitted[-1])))
    return confidence


def _floors(asked: Sequence[Asked], confidence: NDArray[Any]) -> Table:
    rows = []
    for group in dict.fromkeys(one.group for one in asked):
        mine = np.array([one.group == group for one in asked])
        answerable = np.array([one.is_answerable for one in asked])
        for floor in sorted({*FLOORS, DEFAULT_FLOOR}):
            kept = float((confidence[mine & answerable] >= floor).mean())
            refused = float((confidence[mine & ~answerable] < floor).mean())
            rows.append((group, f"{floor:.2f}", kept, refused))
    columns = ("bot of", "floor", "answerable kept (target 0.97)", "off-topic refused (0.93)")
    return Table("what a floor does, cross-validated by article", columns, tuple(rows))


def _weights(asked: Sequence[Asked]) -> Table:
    fitted = _fitted(*_arrays(asked))
    columns = ("similarity", "coverage", "agreement", "breadth", "bias")
    return Table(
        "weights (relevance.WEIGHTS)", columns, (tuple(f"{weight:.2f}" for weight in fitted),)
    )
