"""The embedding model inside this process, by sentence-transformers."""

from __future__ import annotations

import copy
import hashlib
import json
import logging
import math
import os
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bots.knowledge.embedding import (
    BUNDLED_MODEL,
    EmbeddingInfo,
    is_bundled,
    normalise,
    well_formed,
)
from bots.knowledge.errors import EmbeddingFailed, EmbeddingModelInvalid
from bots.knowledge.priority import PriorityGate
from bots.knowledge.tokens import TokenCounter, bundled_model_dir

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from sentence_transformers import SentenceTransformer

logger = logging.getLogger(__name__)

BUNDLED_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
MIN_COSINE = 0.998
# bfloat16 must win clearly: on processors without it, it is several times slower.
MIN_SPEEDUP = 1.15
PROBE_ROUNDS = 5
MAX_QUERIES_PER_BATCH = 16
# Questions are repeated: starter questions, a visitor who asks again. 1.5 kB each.
MAX_KNOWN_QUERIES = 2_000
MAX_WORKERS = 16
# The kernels keep what they prepared for every length of batch that they met: 300 MB after a
# thousand chunks. Rounded lengths are few, and cost nothing.
LENGTH_STEP_TOKENS = 8
_PROBE_TEXTS = (
    "Opening hours: Monday to Friday from nine to five, closed on public holidays.",
    "How do I return a product that I bought online, and who pays for the parcel?",
    "The warranty covers manufacturing faults for two years from the date of purchase.",
    "Contact the support team by telephone or through the form on the website.",
)


@dataclass(slots=True, eq=False)
class _QueryJob:
    """One visitor's question; `wake` is set when it is done or when its thread is to lead."""

    text: str
    wake: threading.Event = field(default_factory=threading.Event)
    vector: NDArray[np.float32] | None = None
    is_done: bool = False


class Embedder:
    """Vectors from a model in this process; safe to share between threads.

    Nothing heavy happens before the first embedding, `load` or `warm_up`. Passages are embedded in
    batches by `threads` workers (0: one per core), a question in the thread that asks it, and
    questions that wait together share one batch. No new batch of passages starts while a question
    is under way.

    Every thread computes alone: the model's own parallelism makes threads wait for each other at
    every layer. Measured on two cores: 69 chunks/s with it, 89 without; a question beside other
    work took 130 ms with it and 9 ms without.
    """

    def __init__(self, model: str = "", *, batch_size: int = 8, threads: int = 0) -> None:
        self._is_bundled = is_bundled(model)
        self._source = model
        self._batch_size = batch_size
        self._n_workers = threads or min(len(os.sched_getaffinity(0)), MAX_WORKERS)
        self._workers: ThreadPoolExecutor | None = None
        self._load_lock = threading.Lock()
        self._model: SentenceTransformer | None = None
        self._dtype = ""
        self._dimension = 0
        self._counter: TokenCounter | None = None
        self._gate = PriorityGate()
        self._queue_lock = threading.Lock()
        self._waiting: deque[_QueryJob] = deque()
        self._is_led = False
        self._known: OrderedDict[str, NDArray[np.float32]] = OrderedDict()

    @property
    def name(self) -> str:
        return BUNDLED_MODEL if self._is_bundled else self._source

    @property
    def dimension(self) -> int:
        if not self._dimension:
            if self._is_bundled:
                config = json.loads((bundled_model_dir() / "config.json").read_text("utf-8"))
                self._dimension = int(config["hidden_size"])
            else:
                self._dimension = int(self.load().get_embedding_dimension() or 0)
        return self._dimension

    @property
    def max_tokens(self) -> int:
        """Tokens of one text that the model reads, its own special tokens not counted."""
        return self._tokens().max_tokens

    def count_tokens(self, text: str) -> int:
        return self._tokens().count([text])[0]

    def count_tokens_batch(self, texts: Sequence[str]) -> list[int]:
        return self._tokens().count(texts)

    def info(self) -> EmbeddingInfo:
        return EmbeddingInfo(
            model=self.name,
            dimension=self.dimension,
            max_tokens=self.max_tokens,
            dtype=self._dtype,
        )

    def warm_up(self) -> None:
        """Load the model and run it once, so that the first visitor does not wait for it."""
        self.embed_query("warm up")

    def load(self) -> SentenceTransformer:
        """The model, loaded by the first call. Raises: EmbeddingModelInvalid."""
        with self._load_lock:
            if self._model is None:
                started = time.perf_counter()
                self._model, self._dtype = _choose_dtype(self._load_model())
                logger.info(
                    "embedding_model_loaded",
                    extra={
                        "model": self.name,
                        "dtype": self._dtype,
                        "seconds": round(time.perf_counter() - started, 2),
                    },
                )
            return self._model

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """float32 (n, d), L2-normalised, in the order of `texts`. Gives way to questions.

        Raises: EmbeddingModelInvalid, EmbeddingFailed.
        """
        import numpy as np

        if not texts:
            return np.zeros((0, self.dimension), dtype=np.float32)
        self.load()
        # Padding is work: texts of one length belong together.
        by_length = sorted(range(len(texts)), key=lambda position: len(texts[position]))
        vectors = np.empty((len(texts), self.dimension), dtype=np.float32)

        def embed(positions: Sequence[int]) -> None:
            self._gate.give_way()
            vectors[positions] = self._encode(
                self.load().encode_document, [texts[position] for position in positions]
            )

        steps = range(0, len(by_length), self._batch_size)
        batches = [by_length[start : start + self._batch_size] for start in steps]
        # The longest first: then the workers end at about the same time.
        futures = [self._pool().submit(embed, batch) for batch in reversed(batches)]
        try:
            for future in futures:
                future.result()
        finally:
            for future in futures:
                future.cancel()
        return vectors

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """float32 (d,), L2-normalised, read-only. The latest questions are remembered.

        Raises: EmbeddingModelInvalid, EmbeddingFailed.
        """
        self.load()
        job = _QueryJob(text)
        with self._queue_lock:
            if text in self._known:
                self._known.move_to_end(text)
                return self._known[text]
            self._waiting.append(job)
            is_leader = not self._is_led
            self._is_led = True
        if not is_leader:
            job.wake.wait()
        if not job.is_done:
            self._lead()
        if job.vector is None:
            raise EmbeddingFailed(subject=self.name)
        with self._queue_lock:
            self._known[text] = job.vector
            if len(self._known) > MAX_KNOWN_QUERIES:
                self._known.popitem(last=False)
        return job.vector

    def _lead(self) -> None:
        """Runs one batch, the caller's own question in it, and hands over to the next."""
        try:
            with self._gate.urgent():
                self._run_waiting()
        finally:
            with self._queue_lock:
                self._is_led = bool(self._waiting)
                if self._waiting:
                    self._waiting[0].wake.set()

    def _run_waiting(self) -> None:
        """Embeds the questions that wait, oldest first."""
        with self._queue_lock:
            n_jobs = min(len(self._waiting), MAX_QUERIES_PER_BATCH)
            jobs = [self._waiting.popleft() for _ in range(n_jobs)]
        try:
            vectors = self._encode(self.load().encode_query, [job.text for job in jobs])
            for job, vector in zip(jobs, vectors, strict=True):
                vector.flags.writeable = False  # it is handed out again
                job.vector = vector
        finally:
            # Whatever happened, nobody may wait for a question that is no longer in the queue.
            for job in jobs:
                job.is_done = True
                job.wake.set()

    def _encode(self, encode: Callable[..., Any], texts: Sequence[str]) -> NDArray[np.float32]:
        import numpy as np

        try:
            vectors = encode(
                [well_formed(text) for text in texts],
                batch_size=len(texts),
                show_progress_bar=False,
                convert_to_numpy=True,
            )
        except (RuntimeError, ValueError, IndexError, MemoryError) as exc:
            logger.exception("embedding_failed", extra={"model": self.name, "n_texts": len(texts)})
            raise EmbeddingFailed(subject=self.name) from exc
        return normalise(
            np.asarray(vectors, dtype=np.float32), n_texts=len(texts), dimension=self.dimension
        )

    def _pool(self) -> ThreadPoolExecutor:
        with self._load_lock:
            if self._workers is None:
                self._workers = ThreadPoolExecutor(self._n_workers, "embedder")
            return self._workers

    def _tokens(self) -> TokenCounter:
        if self._counter is None:
            if self._is_bundled:
                self._counter = TokenCounter.bundled()
            else:
                self._counter = TokenCounter.of_model(self.load())
        return self._counter

    def _load_model(self) -> SentenceTransformer:
        if self._is_bundled:
            _verify(bundled_model_dir() / "model.safetensors")
        import torch
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging as transformers_logging

        # Its progress bars would write over the server's output.
        transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        torch.set_num_threads(1)
        source = str(bundled_model_dir()) if self._is_bundled else self._source
        try:
            return _with_rounded_lengths(
                SentenceTransformer(source, local_files_only=self._is_bundled)
            )
        except (OSError, ValueError, RuntimeError, KeyError) as exc:
            raise EmbeddingModelInvalid(subject=self._source or BUNDLED_MODEL) from exc


def _with_rounded_lengths(model: SentenceTransformer) -> SentenceTransformer:
    """The same model; what its makers say about lengths stays."""
    first: Any = model[0]
    if isinstance(kwargs := getattr(first, "processing_kwargs", None), dict):
        text = {"pad_to_multiple_of": LENGTH_STEP_TOKENS, **kwargs.get("text", {})}
        first.processing_kwargs = {**kwargs, "text": text}
    return model


def _verify(weights: Path) -> None:
    """Raises EmbeddingModelInvalid unless the file is the published one, byte for byte."""
    try:
        with weights.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as exc:
        raise EmbeddingModelInvalid(subject=str(weights)) from exc
    if digest != BUNDLED_SHA256:
        raise EmbeddingModelInvalid(subject=str(weights))


def _may_be_faster_halved(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """False where the processor says that it has no instructions for bfloat16.

    Without them a race is lost for certain: it took ten seconds of the start, and the copy 45 MB.
    """
    try:
        return "bf16" in cpuinfo.read_text("ascii", "replace")
    except OSError:  # not Linux: let them race
        return True


def _choose_dtype(model: SentenceTransformer) -> tuple[SentenceTransformer, str]:
    """The model in bfloat16 where this processor is faster with it and the vectors agree."""
    import numpy as np
    import torch

    if not _may_be_faster_halved():
        return model, "float32"
    halved = copy.deepcopy(model).to(torch.bfloat16)
    try:
        (full, full_s), (half, half_s) = _race(model, halved)
    except (RuntimeError, ValueError):
        # Some layers have no bfloat16 form on some devices.
        logger.warning("embedding_dtype_probe_failed", exc_info=True)
        return model, "float32"
    lengths = np.linalg.norm(full, axis=1) * np.linalg.norm(half, axis=1)
    cosine = float(((full * half).sum(axis=1) / lengths).min())
    if cosine >= MIN_COSINE and full_s / half_s >= MIN_SPEEDUP:
        return halved, "bfloat16"
    return model, "float32"


def _race(*models: SentenceTransformer) -> list[tuple[NDArray[np.float32], float]]:
    """For each model the vectors of the probe texts, and the seconds of its fastest run.

    The models take turns: what else the machine does at its start then slows all of them alike.
    """
    import numpy as np

    texts = list(_PROBE_TEXTS)
    vectors = [np.asarray(one.encode(texts, show_progress_bar=False), np.float32) for one in models]
    fastest = [math.inf] * len(models)
    for _ in range(PROBE_ROUNDS):
        for number, model in enumerate(models):
            started = time.perf_counter()
            model.encode(texts, show_progress_bar=False)
            fastest[number] = min(fastest[number], time.perf_counter() - started)
    return list(zip(vectors, fastest, strict=True))
