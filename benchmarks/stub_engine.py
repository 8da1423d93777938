"""A TGI server that computes nothing: `python -m benchmarks.stub_engine` prints its port.

It speaks what the product asks of TGI, on one loop with a protocol of its own, because it must cost
little beside the product: a thousand streams of 20 tokens a second share two cores with it. The
double under `tests/doubles` speaks all of TGI, and costs ten times as much for each token.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict, dataclass
from typing import Any, cast

import uvloop

HOST = "127.0.0.1"
PROMPT_TOKENS = 900
INFO = {"model_id": "stub", "max_input_tokens": 8192, "max_total_tokens": 16384}


@dataclass(slots=True)
class Plan:
    """How every answer goes: milliseconds to its first token and between tokens, and how many."""

    first_ms: float = 50.0
    token_ms: float = 20.0
    n_tokens: int = 100


@dataclass(slots=True)
class Counts:
    """Streams since the plan was set: `dropped` are those whose reader left before the end."""

    open: int = 0
    peak: int = 0
    started: int = 0
    finished: int = 0
    dropped: int = 0
    tokens: int = 0


class State:
    def __init__(self) -> None:
        self.set_plan(Plan())
        self.counts = Counts()

    def set_plan(self, plan: Plan) -> None:
        """Later streams follow `plan`; counts start again, but for streams that are open."""
        self.plan = plan
        self.frames = [_frame(n, plan.n_tokens) for n in range(plan.n_tokens)]
        self.counts = Counts(open=getattr(self, "counts", Counts()).open)


def _frame(n: int, n_tokens: int) -> bytes:
    """The n-th event as one chunk of an HTTP body. Every tenth token cites a passage."""
    is_last = n == n_tokens - 1
    text = " [1]." if n % 10 == 9 else f" word{n % 7}"
    event: dict[str, Any] = {
        "index": n + 1,
        "token": {"id": n, "text": text, "logprob": -0.1, "special": False},
        "generated_text": "..." if is_last else None,
        "details": None,
    }
    if is_last:
        event["details"] = {
            "finish_reason": "eos_token",
            "generated_tokens": n_tokens,
            "input_length": PROMPT_TOKENS,
        }
    body = f"data:{json.dumps(event)}\n\n".encode()
    return b"%x\r\n%b\r\n" % (len(body), body)


_STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache\r\n"
    b"transfer-encoding: chunked\r\n\r\n"
)


class StubProtocol(asyncio.Protocol):
    """One connection, kept alive between requests."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._loop = asyncio.get_running_loop()
        self._buffer = b""
        self._timer: asyncio.TimerHandle | None = None
        self._frames: list[bytes] = []
        self._next = 0
        self._due = 0.0
        self._token_s = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's has no such base

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, separator, rest = self._buffer.partition(b"\r\n\r\n")
        if not separator:
            return
        length = _content_length(head)
        if len(rest) < length:
            return
        self._buffer = rest[length:]
        path = head.split(b" ", 2)[1]
        self._answer(path.decode(), rest[:length])

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._state.counts.open -= 1
            self._state.counts.dropped += 1

    def _answer(self, path: str, body: bytes) -> None:
        if path == "/generate_stream":
            self._begin()
        elif path == "/stats":
            self._reply(asdict(self._state.counts))
        elif path == "/plan":
            self._state.set_plan(Plan(**json.loads(body)))
            self._reply({})
        elif path == "/info":
            self._reply(INFO)
        elif path == "/chat_tokenize":
            turns = json.loads(body)["messages"]
            text = "".join(f"<|{turn['role']}|>\n{turn['content']}\n" for turn in turns)
            self._reply({"tokenize_response": [], "templated_text": f"{text}<|assistant|>\n"})
        elif path == "/tokenize":
            self._reply([])
        else:
            self._reply({} if path == "/health" else None)

    def _reply(self, body: object) -> None:
        data = json.dumps(body).encode()
        status = b"200 OK" if body is not None else b"404 Not Found"
        head = b"HTTP/1.1 %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
        self._transport.write(head % (status, len(data)) + data)

    def _begin(self) -> None:
        counts, plan = self._state.counts, self._state.plan
        counts.started += 1
        counts.open += 1
        counts.peak = max(counts.peak, counts.open)
        self._frames, self._next = self._state.frames, 0
        self._token_s = plan.token_ms / 1000
        self._due = self._loop.time() + plan.first_ms / 1000
        self._timer = self._loop.call_at(self._due, self._send)
        self._transport.write(_STREAM_HEAD)

    def _send(self) -> None:
        self._transport.write(self._frames[self._next])
        self._next += 1
        self._state.counts.tokens += 1
        if self._next < len(self._frames):
            # From the time it was due: a token that was late does not delay those behind it.
            self._due += self._token_s
            self._timer = self._loop.call_at(self._due, self._send)
            return
        self._timer = None
        self._state.counts.open -= 1
        self._state.counts.finished += 1
        self._transport.write(b"0\r\n\r\n")


def _content_length(head: bytes) -> int:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


async def _serve() -> None:
    state = State()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: StubProtocol(state), HOST, 0, backlog=2048)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve())
