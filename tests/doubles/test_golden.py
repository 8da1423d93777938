"""The bytes of each profile, kept as files: a change of the doubles shows as a change of these."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from aiohttp import web

from tests.doubles.openai_server import OpenAIDouble
from tests.doubles.tgi_server.config import Config
from tests.doubles.tgi_server.state import State
from tests.doubles.wire import exchange, exchange_with

FOLDER = Path(__file__).parent / "golden"
REPLY = {"reply": "One é 🙂."}
VERSIONS = ["3.3.7", "2.4.0", "2.3.0", "2.0.4"]
CASES = {
    "generate": (
        "/generate_stream",
        {"inputs": "Hi", "parameters": {"details": True, "max_new_tokens": 9}},
    ),
    "chat": (
        "/v1/chat/completions",
        {
            "messages": [{"role": "user", "content": "Hi"}],
            "stream": True,
            "max_tokens": 9,
            "stream_options": {"include_usage": True},
        },
    ),
    "text": ("/v1/completions", {"prompt": "Hi", "stream": True, "max_tokens": 9}),
}


def _expect(name: str, body: bytes) -> None:
    # Ids are hashes of the text, and the moment of making changes.
    steady = re.sub(rb'"id":\d+', b'"id":0', re.sub(rb'"created":\d+', b'"created":0', body))
    assert steady.decode() == (FOLDER / f"{name}.txt").read_bytes().decode()


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("end", ["whole", "full", "broken"])
async def test_tgi_by_version(version: str, case: str, end: str) -> None:
    path, asked = CASES[case]
    fault = {"error": "generation", "error_after": 1} if end == "broken" else {}
    permits = 0 if end == "full" else 9
    _, body = await exchange(
        path, asked, {**REPLY, **fault}, version=version, max_concurrent_requests=permits
    )
    _expect(f"tgi-{version}-{case}-{end}", body)


@pytest.mark.parametrize("profile", ["vllm", "llamacpp"])
@pytest.mark.parametrize("case", ["chat", "text"])
@pytest.mark.parametrize("end", ["whole", "broken"])
async def test_openai_by_profile(profile: str, case: str, end: str) -> None:
    path, asked = CASES[case]
    state = State()
    fault = {"error": "generation", "error_after": 1} if end == "broken" else {}
    state.script.load([{**REPLY, **fault}])
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", OpenAIDouble(profile, Config(), state).serve)
    _, body = await exchange_with(app, path, asked)
    _expect(f"{profile}-{case}-{end}", body)
