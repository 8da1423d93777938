from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from bots.engines.base import Delta, Finished, FinishReason, Passage, Prompt
from bots.engines.extractive import ExtractiveEngine
from bots.engines.quoting import MAX_CANDIDATES, content_words

MANUAL = """# Install

BotFactory runs on Linux, e.g. Debian 12. It needs Python 3.11 or newer.

To install the server, run this command:

```sh
pip install botfactory
botfactory init
```

## Prices

| Plan | Price |
|------|-------|
| Free | $0 |
| Team | $49 a month for ten members |

- Refunds are paid within 14 days.
- Invoices are sent by mail.

The office is in Vienna. It was founded in 2019 by Ada Young.
"""


class Embedder:
    """Stands in for the model: texts that share words are near each other."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []

    async def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.asked.append(list(texts))
        rows = np.zeros((len(texts), 512), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            row[0] = 0.1
            for word in content_words(text):
                row[zlib.crc32(word.encode()) % 512] = 1.0
        norms: NDArray[np.float32] = np.linalg.norm(rows, axis=1, keepdims=True)
        return rows / norms


def passage(text: str, n: int = 1) -> Passage:
    return Passage(n=n, text=text, title="Manual", url="https://example.com/", page=None)


async def deltas(question: str, *passages: Passage, embed: Embedder | None = None) -> list[str]:
    engine = ExtractiveEngine(embed or Embedder())
    events = [event async for event in engine.stream(Prompt((), question, passages))]
    assert events[-1] == Finished(FinishReason.STOP)
    shown = [event.text for event in events if isinstance(event, Delta)]
    assert len(shown) == len(events) - 1
    assert all(shown)
    return shown


async def answer(question: str, *passages: Passage) -> str:
    return "".join(await deltas(question, *passages))


@pytest.mark.parametrize(
    ("question", "quote"),
    [
        ("Which Python version does it need?", "It needs Python 3.11 or newer. [1]"),
        ("When was the office founded?", "It was founded in 2019 by Ada Young. [1]"),
        ("How much is the Team plan?", "Team | $49 a month for ten members [1]"),
        ("How many days until refunds are paid?", "Refunds are paid within 14 days. [1]"),
    ],
)
async def test_it_quotes_the_sentence_that_answers(question: str, quote: str) -> None:
    assert quote in await answer(question, passage(MANUAL))


async def test_how_to_questions_get_the_code_with_its_introduction() -> None:
    assert (
        "To install the server, run this command: [1]\n\n"
        "```sh\npip install botfactory\nbotfactory init\n```"
    ) in await answer("How do I install the server?", passage(MANUAL))


async def test_a_heading_is_never_the_answer() -> None:
    assert "Prices" not in await answer("What are the prices?", passage(MANUAL))


async def test_an_answer_under_a_question_is_found_by_that_question() -> None:
    pair = Passage(1, "The tools team does. Write to tools@example.com.", "Who runs it?", "", None)
    other = passage("It runs the search or the match that it was passed, and looks it up.", 2)
    said = "".join(await deltas("Who runs it, please?", pair, other))
    assert said.startswith("The tools team does. [1] Write to tools@example.com. [1]")


async def test_every_quote_is_verbatim_and_cites_the_number_of_its_passage() -> None:
    text = await answer(
        "Where is the office?",
        passage("The sky is blue.", 4),
        passage("The office is in Vienna.", 7),
    )
    assert text.startswith("The office is in Vienna. [7]")


async def test_it_quotes_three_sentences_at_most() -> None:
    many = " ".join(f"The office number {n} is in Vienna." for n in range(20))
    assert (await answer("Where is the office?", passage(many))).count("[1]") == 3


async def test_quotes_of_one_passage_keep_their_reading_order() -> None:
    text = "Refunds take long to be paid. Cats sleep. Refunds take 14 days to be paid."
    shown = await answer("How long do refunds take to be paid?", passage(text))
    assert shown == "Refunds take long to be paid. [1] Refunds take 14 days to be paid. [1]"


async def test_the_same_sentence_in_two_passages_is_quoted_once() -> None:
    same = "The office is in Vienna."
    assert await answer("Where is the office?", passage(same, 1), passage(same, 2)) == f"{same} [1]"


async def test_it_streams_quote_and_citation_apart() -> None:
    shown = await deltas("Where is the office?", passage("The office is in Vienna."))
    assert shown == ["The office is in Vienna.", " [1]"]


async def test_it_embeds_a_bounded_number_of_sentences_and_keeps_the_relevant() -> None:
    noise = " ".join(f"Item {n} is a thing of its own." for n in range(900))
    embed = Embedder()
    text = f"{noise} The office is in Vienna."
    shown = "".join(await deltas("Where is the office?", passage(text), embed=embed))
    assert "The office is in Vienna. [1]" in shown
    assert [len(texts) for texts in embed.asked] == [MAX_CANDIDATES + 1]


async def test_a_sentence_that_leans_on_another_brings_it_along() -> None:
    text = "The office is in Vienna. Cats sleep. The workshop is small. It was founded in 2019."
    shown = await answer("When was it founded?", passage(text))
    assert shown == "The workshop is small. It was founded in 2019. [1]"


async def test_a_link_to_a_sentence_that_is_not_quoted_is_cut_off() -> None:
    text = "Cats sleep all day. However, the office in Vienna opens at nine."
    shown = await answer("When does the office open?", passage(text))
    assert shown == "The office in Vienna opens at nine. [1]"


async def test_what_leans_on_another_still_makes_three_sentences_at_most() -> None:
    text = " ".join(f"Cats sleep. It is office number {n} in Vienna." for n in range(20))
    shown = await answer("Where is the office?", passage(text))
    assert shown.count(".") <= 3


async def test_a_few_words_without_an_end_are_no_answer() -> None:
    text = "Office hours in Vienna\n\nIn Vienna we have office hours from nine to five."
    shown = await answer("What are the office hours in Vienna?", passage(text))
    assert shown.startswith("In Vienna we have")
    assert "Office hours in Vienna" not in shown


async def test_code_completes_a_sentence_without_an_end() -> None:
    text = "The default is evaluated once, so that\n\n```python\nf()\n```\n\nprints five."
    shown = await answer("When is the default evaluated?", passage(text))
    assert shown.startswith("The default is evaluated once, so that [1]\n\n```python\nf()\n```")


@pytest.mark.parametrize("passages", [(), (passage("# Only a heading\n\n---"),)])
async def test_without_anything_to_quote_it_finishes_at_once(passages: tuple[Passage, ...]) -> None:
    embed = Embedder()
    assert await deltas("Where is the office?", *passages, embed=embed) == []
    assert embed.asked == []


async def test_a_question_without_words_is_survived() -> None:
    assert "[1]" in await answer("??", passage("The office is in Vienna."))


async def test_its_limits_count_and_health_need_no_server() -> None:
    engine = ExtractiveEngine(Embedder())
    assert (await engine.limits()).max_input_tokens > 10_000
    assert await engine.count_tokens("some words") > 0
    assert await engine.is_healthy()
    await engine.aclose()
