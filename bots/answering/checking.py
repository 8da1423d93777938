"""After the stream: a model's answer against the passages, its trace, and what is dropped."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from botfactory.errors import BotFactoryError
from bots.answering.dropping import drop_unsupported
from bots.answering.grounding import CitationFilter
from bots.answering.grounding_check import check_answer
from bots.answering.recorder import Answer
from bots.engines.base import Passage
from bots.knowledge import registry
from bots.models import Message

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

logger = logging.getLogger(__name__)


async def check_sentences(answer: Answer, passages: Sequence[Passage], *, drops: bool) -> None:
    """Notes for each sentence of a complete answer whether the passages say it.

    With `drops`, the text loses those they do not say, and the citations that nothing carries any
    more; it may become "". Quotes need no check. An answer that cannot be checked stays as it is.
    """
    is_made_up = answer.answered_by == Message.AnsweredBy.MODEL
    if not is_made_up or answer.state != Message.State.COMPLETE:
        return
    try:
        answer.trace.checks = await check_answer(answer.text, passages, _embed)
    except BotFactoryError as exc:
        logger.warning("answer_not_checked", extra={"code": exc.code, "subject": exc.subject})
        return
    if drops:
        citations = CitationFilter([citation.n for citation in answer.citations])
        text = drop_unsupported(answer.text, answer.trace.checks)
        answer.text = citations.feed(text) + citations.finish()
        answer.citations = tuple(one for one in answer.citations if one.n in citations.cited)


async def _embed(texts: Sequence[str]) -> NDArray[np.float32]:
    return await asyncio.to_thread(registry.embedding_model().embed_passages, texts)
