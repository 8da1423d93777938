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


def test_a_closed_port_refuses_and_opens_again() -> None:
    with running(("tests.doubles.tgi_server",)) as (double,):
        double.control.listen(False)
        with pytest.raises(ConnectionRefusedError):
            _post(double, b'{"inputs":"Hi"}')
        double.control.listen(True)
        assert _post(double, b'{"inputs":"Hi"}').startswith(b'{"generated_text"')


@pytest.mark.parametrize("path", ["/generate", "/generate_stream"])
def test_a_client_that_leaves_is_noticed_and_its_permit_freed(
    tgi: RunningDouble, path: str
) -> None:
    tgi.control.script({"reply": "a b c d", "hold_after": 2})
    connection = http.client.HTTPConnection("127.0.0.1", tgi.port, timeout=10)
    connection.request("POST", path, b'{"inputs":"Hi"}', {"Content-Type": "application/json"})
    assert tgi.control.wait("produced", 2)
    connection.close()
    assert tgi.control.wait("dropped")
    state = tgi.control.state()
    assert (state["in_flight"], state["connections"]) == (0, 1)
    assert state["failures"] == {"dropped": 1}
    (request,) = state["requests"]
    assert (request["path"], request["produced"], request["dropped"]) == (path, 2, True)
    assert request["body"] == '{"inputs":"Hi"}'


def test_429_for_the_next_requests_and_a_sick_server_that_still_answers(tgi: RunningDouble) -> None:
    tgi.control.faults(overloaded_next=2, unhealthy=True)
    asked = b'{"inputs":"Hi"}'
    answers = [_post(tgi, asked)[:20] for _ in range(3)]
    assert answers == [b'{"error": "Model is '] * 2 + [b'{"generated_text": "']
    connection = http.client.HTTPConnection("127.0.0.1", tgi.port, timeout=10)
    connection.request("GET", "/health")
    assert connection.getresponse().status == 503
    connection.close()


def _post(double: RunningDouble, body: bytes) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", double.port, timeout=10)
    try:
        connection.request("POST", "/generate", body, {"Content-Type": "application/json"})
        return connection.getresponse().read()
    finally:
        connection.close()
