from __future__ import annotations

import asyncio
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from bots.answering.grounding_check import SentenceCheck, check_answer
from bots.engines.base import Passage
from bots.knowledge import registry

PASSAGES = (
    Passage(
        1,
        "Shoes may be sent back within 30 days, as long as they were worn indoors only. The parcel "
        "is paid by the customer. Refunds are not given in cash.",
        "Returns",
        "https://example.com/returns",
        None,
    ),
    Passage(
        4,
        "The workshop in Antwerp was founded by Ada Young in 1912. It has three shoemakers.",
        "About us",
        "https://example.com/about",
        None,
    ),
)


async def embed(texts: Sequence[str]) -> NDArray[np.float32]:
    return await asyncio.to_thread(registry.embedding_model().embed_passages, texts)


async def checks(answer: str) -> tuple[SentenceCheck, ...]:
    return await check_answer(answer, PASSAGES, embed)


@pytest.mark.parametrize(
    ("sentence", "n"),
    [
        ("Shoes may be sent back within 30 days.", 1),
        ("You can send the shoes back for 30 days if you wore them indoors only [1].", 1),
        ("The customer pays for the parcel.", 1),
        ("Ada Young founded the workshop in Antwerp in 1912 [4].", 4),
        ("The workshop has 3 shoemakers.", 4),
    ],
)
async def test_what_the_passages_say_is_supported(sentence: str, n: int) -> None:
    (check,) = await checks(sentence)
    assert check.is_supported is True
    assert check.n == n


@pytest.mark.parametrize(
    "sentence",
    [
        "Shoes may be sent back within 60 days.",
        "The workshop in Antwerp was founded by Marie Curie in 1912.",
        "The workshop has five shoemakers.",
        "Refunds are given in cash.",
        "The parcel is not paid by the customer.",
        "Our cafeteria serves soup and sandwiches at noon.",
    ],
)
async def test_what_they_do_not_say_is_not_supported(sentence: str) -> None:
    (check,) = await checks(sentence)
    assert check.is_supported is False


@pytest.mark.parametrize(
    "sentence",
    [
        "Hello!",
        "Here is how it works:",
        "Of course.",
        "Do you need anything else?",
        "I hope it helps.",
    ],
)
async def test_what_claims_nothing_is_neither(sentence: str) -> None:
    (check,) = await checks(sentence)
    assert check.is_supported is None
    assert check.n is None


async def test_every_sentence_of_an_answer_is_checked_and_code_is_not() -> None:
    answer = (
        "Here is how:\n\n- Shoes may be sent back within 30 days [1]\n"
        "- They may be sent back within 90 days [1]\n\n```\nreturn 1990\n```"
    )
    found = await checks(answer)
    assert [check.is_supported for check in found] == [None, True, False]
    assert found[1].text == "Shoes may be sent back within 30 days"


async def test_it_embeds_once_and_a_bounded_number_of_sentences() -> None:
    asked: list[int] = []

    async def counted(texts: Sequence[str]) -> NDArray[np.float32]:
        asked.append(len(texts))
        return np.ones((len(texts), 1), dtype=np.float32)

    answer = " ".join(f"The workshop has {n} shoemakers in Antwerp." for n in range(500))
    found = await check_answer(answer, PASSAGES, counted)
    assert len(found) == 500
    assert len(asked) == 1
    assert asked[0] <= 60 * 3


async def test_without_passages_or_claims_nothing_is_embedded() -> None:
    async def never(texts: Sequence[str]) -> NDArray[np.float32]:
        raise AssertionError(texts)

    assert await check_answer("", PASSAGES, never) == ()
    assert await check_answer("Hello!", PASSAGES, never) == (SentenceCheck("Hello!", None),)
    (check,) = await check_answer("Shoes may be sent back.", (), embed)
    assert check.is_supported is False


async def test_capitals_are_no_names_where_every_noun_has_one() -> None:
    german = Passage(
        1,
        "Die Werkstatt in Antwerpen hat eine Lagerung für Schuhe. Der Kunde zahlt das Paket und "
        "die Marke. Ein Paar Schuhe kann der Kunde im Laden oder im Haus tragen.",
        "Rückgabe",
        "",
        None,
    )
    (check,) = await check_answer("Der Kunde zahlt das Paket und die Briefmarke.", (german,), embed)
    assert check.is_supported is True
