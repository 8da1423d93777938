"""Answers that end while their process is killed, told to end, or not the one that is asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from tests.doubles.fixtures import RunningDouble, running
from tests.doubles.qdrant_fixtures import run_qdrant_server
from tests.e2e.client import Api, Stream
from tests.e2e.databases import scratch_database
from tests.e2e.processes import Server, environment, eventually, killed_at_the_end, run_command

pytestmark = pytest.mark.model

FACT = "The lighthouse of Heist is forty metres tall and was painted red in 1907."
QUESTION = "How tall is the lighthouse of Heist?"
REPLY = "It is forty metres tall [1] and has been red since 1907 [1]."
REDIS_URL = "redis://127.0.0.1:6379/10"
HELD_TOKENS = 12


def data_of(event: Any) -> dict[str, Any]:
    return dict(json.loads(event.data))


def teach(api: Api) -> str:
    bot_id = api.create_bot("Coast guide")
    source_id = api.add_source(bot_id, kind="text", title="Lighthouse", text=FACT)
    eventually(lambda: api.source(bot_id, source_id)["status"] == "ready", what="it is known")
    return bot_id


def begin(stream: Stream) -> str:
    """The conversation of an answer whose first citation has arrived."""
    conversation_id = str(data_of(stream.until("start"))["conversation_id"])
    text = ""
    while "[1]" not in text:
        text += data_of(stream.until("delta"))["text"]
    return conversation_id


def answer_of(api: Api, bot_id: str, conversation_id: str) -> dict[str, Any]:
    reply = api.get(f"bots/{bot_id}/conversations/{conversation_id}/")
    assert reply.status == 200, reply.text
    return dict(reply.json["messages"][-1])


def await_kept_text(api: Api, bot_id: str, conversation_id: str) -> str:
    def probe() -> str:
        answer = answer_of(api, bot_id, conversation_id)
        assert answer["state"] == "answering"
        return str(answer["text"] if answer["citations"] else "")

    return eventually(probe, what="a heartbeat kept the text so far")


@pytest.fixture(scope="module")
def engine() -> Iterator[RunningDouble]:
    with running(("tests.doubles.tgi_server",)) as (double,):
        yield double


@pytest.fixture(autouse=True)
def held(engine: RunningDouble) -> None:
    engine.control.reset()
    engine.control.script({"reply": REPLY, "hold_after": HELD_TOKENS})


def test_a_killed_server_keeps_what_it_had_said_and_goes_on_after_its_next_start(
    engine: RunningDouble, tmp_path: Path
) -> None:
    env = environment(tmp_path, ENGINE_KIND="tgi", ENGINE_URL=engine.url)
    with killed_at_the_end() as processes:

        def start() -> Server:
            server = Server(env)
            processes.append(server)
            server.await_ready()
            return server

        server = start()
        api = server.api(server.create_key())
        bot_id = teach(api)
        with api.stream(f"bots/{bot_id}/chat/", {"message": QUESTION, "stream": True}) as stream:
            conversation_id = begin(stream)
            kept = await_kept_text(api, bot_id, conversation_id)
            server.kill()

        server = start()
        api = server.api(api.key)
        answer = answer_of(api, bot_id, conversation_id)
        assert (answer["state"], answer["error_code"]) == ("interrupted", "server_stopped")
        assert answer["text"] == kept
        assert [citation["n"] for citation in answer["citations"]] == [1]

        engine.control.script({"reply": REPLY})
        again = api.post(f"bots/{bot_id}/conversations/{conversation_id}/regenerate/", {})
        assert again.json["message"]["text"] == REPLY


def test_a_server_that_is_told_to_end_ends_its_answers_and_says_so(
    engine: RunningDouble, tmp_path: Path
) -> None:
    env = environment(tmp_path, ENGINE_KIND="tgi", ENGINE_URL=engine.url)
    with killed_at_the_end() as processes:
        server = Server(env)
        processes.append(server)
        server.await_ready()
        api = server.api(server.create_key())
        bot_id = teach(api)
        with api.stream(f"bots/{bot_id}/chat/", {"message": QUESTION, "stream": True}) as stream:
            conversation_id = begin(stream)
            statuses: list[int] = []
            ending = threading.Thread(target=lambda: statuses.append(server.stop()))
            ending.start()
            failure = data_of(stream.until("error"))
            assert (failure["error"]["code"], failure["state"]) == (
                "server_stopped",
                "interrupted",
            )
            ending.join()
        assert statuses == [0]
        assert "Traceback" not in server.said()
        code = (
            "from bots.models import Message; "
            f"m = Message.objects.get(conversation='{conversation_id}', role='assistant'); "
            "print(m.state, m.citations.count(), m.text)"
        )
        done = run_command(env, "shell", "--no-imports", "-c", code)
        assert done.stdout.startswith("interrupted 1 It is forty metres"), done.stderr


@dataclass(frozen=True, slots=True)
class Pair:
    """Two servers on one PostgreSQL; only the second has a worker and a beat."""

    first: Server
    second: Server
    key: str
    bot_id: str
    database_url: str

    @property
    def conversations(self) -> str:
        return f"bots/{self.bot_id}/conversations/"


@pytest.fixture
def pair(engine: RunningDouble, tmp_path: Path) -> Iterator[Pair]:
    with (
        scratch_database() as database_url,
        run_qdrant_server(tmp_path / "vectors") as qdrant_url,
        killed_at_the_end() as processes,
    ):
        settings = {
            "BOTFACTORY_SECRET_KEY": uuid4().hex,
            "DATABASE_URL": database_url,
            "REDIS_URL": REDIS_URL,
            "QDRANT_URL": qdrant_url,
            "ENGINE_KIND": "tgi",
            "ENGINE_URL": engine.url,
        }
        second = Server(environment(tmp_path / "second", **settings))
        processes.append(second)
        second.await_ready()  # it migrates
        first = Server(environment(tmp_path / "first", **settings), "--no-worker")
        processes.append(first)
        first.await_ready()
        key = second.create_key()
        yield Pair(first, second, key, teach(second.api(key)), database_url)
        assert "Traceback" not in second.said()


@pytest.mark.services
def test_another_process_can_stop_an_answer_and_takes_over_those_of_a_killed_one(
    pair: Pair, engine: RunningDouble
) -> None:
    api, other = pair.first.api(pair.key), pair.second.api(pair.key)
    question = {"message": QUESTION, "stream": True}
    with api.stream(f"bots/{pair.bot_id}/chat/", question) as stream:
        conversation_id = begin(stream)
        stop = f"{pair.conversations}{conversation_id}/stop/"
        assert other.post(stop, {}).json == {"is_stopping": True}
        done = data_of(stream.until("done"))
    assert (done["state"], [c["n"] for c in done["citations"]]) == ("stopped", [1])
    assert engine.control.wait("dropped")
    assert answer_of(other, pair.bot_id, conversation_id)["text"] == done["text"]
    assert other.post(stop, {}).json == {"is_stopping": False}

    engine.control.reset()
    engine.control.script({"reply": REPLY, "hold_after": HELD_TOKENS})
    with api.stream(f"bots/{pair.bot_id}/chat/", question) as stream:
        conversation_id = begin(stream)
        kept = await_kept_text(other, pair.bot_id, conversation_id)
        pair.first.kill()
    with psycopg.connect(pair.database_url, autocommit=True) as connection:
        # A minute passes.
        connection.execute("UPDATE bots_message SET seen_at = seen_at - interval '1 minute'")

    def ended() -> dict[str, Any] | None:
        answer = answer_of(other, pair.bot_id, conversation_id)
        return None if answer["state"] == "answering" else answer

    answer = eventually(ended, what="the reaper of the other process ended it")
    assert (answer["state"], answer["text"]) == ("interrupted", kept)
