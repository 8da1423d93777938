"""The TGI double as a process: driven by the official client, by signals, by its control port."""

from __future__ import annotations

import http.client
import signal
from threading import Thread

import pytest

from tests.doubles.fixtures import RunningDouble, running


@pytest.fixture
def client(tgi: RunningDouble) -> object:
    from huggingface_hub import InferenceClient

    return InferenceClient(base_url=tgi.url, timeout=10)


def test_the_official_client_streams_from_it(tgi: RunningDouble, client: object) -> None:
    from huggingface_hub import InferenceClient

    assert isinstance(client, InferenceClient)
    tgi.control.script({"reply": "One two."})
    # This client shows the special token that ends the text.
    assert "".join(client.text_generation("Hi", stream=True, max_new_tokens=20)) == "One two.</s>"
    chat = client.chat_completion([{"role": "user", "content": "Hi"}], stream=True, max_tokens=20)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chat) == "One two."


def test_the_official_client_sees_its_errors(tgi: RunningDouble, client: object) -> None:
    from huggingface_hub import InferenceClient
    from huggingface_hub.errors import OverloadedError, ValidationError

    assert isinstance(client, InferenceClient)
    tgi.control.faults(overloaded_next=1)
    with pytest.raises(OverloadedError):
        list(client.text_generation("Hi", stream=True, max_new_tokens=20))
    with pytest.raises(ValidationError):
        client.text_generation("Hi", max_new_tokens=20, top_p=1.0)


def test_sigterm_lets_a_stream_in_flight_finish() -> None:
    from huggingface_hub import InferenceClient

    with running(("tests.doubles.tgi_server",)) as (double,):
        double.control.script({"reply": "One two.", "hold_after": 1})
        client = InferenceClient(base_url=double.url, timeout=10)
        shown: list[str] = []
        reader = Thread(
            target=lambda: shown.extend(client.text_generation("Hi", stream=True, max_new_tokens=9))
        )
        reader.start()
        assert double.control.wait("produced", 1)
        double.process.send_signal(signal.SIGTERM)
        double.control.release()
        reader.join(10)
        assert shown == ["One", " two", ".", "</s>"]
        assert double.process.wait(10) == 0


def test_a_planned_death_takes_the_process_down() -> None:
    with running(("tests.doubles.tgi_server",)) as (double,):
        double.control.script({"die": True})
        connection = http.client.HTTPConnection("127.0.0.1", double.port, timeout=10)
        headers = {"Content-Type": "application/json"}
        connection.request("POST", "/generate_stream", b'{"inputs":"Hi"}', headers)
        with pytest.raises((http.client.HTTPException, ConnectionError)):
            connection.getresponse().read()
        connection.close()
        assert double.process.wait(10) == 1
