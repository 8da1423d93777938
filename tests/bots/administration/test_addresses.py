from __future__ import annotations

import pytest
from pytest_django.fixtures import Settings

from bots.administration.addresses import check_engine_url, policy_for
from bots.administration.errors import EngineAddressRefused
from bots.models import Engine


def refusal(text: str, *, is_server_wide: bool = False) -> str:
    with pytest.raises(EngineAddressRefused) as caught:
        check_engine_url(text, is_server_wide=is_server_wide)
    assert caught.value.fields == {"url": [caught.value.public_message]}
    return caught.value.public_message


@pytest.mark.parametrize(
    "url",
    [
        "http://qdrant:6333",
        "http://qdrant",
        "http://localhost:8080",
        "http://LOCALHOST.",
        "http://engine.internal",
        "http://llm.default.svc",
        "http://127.0.0.1",
        "http://10.0.0.7",
        "http://[::1]",
        "http://[::ffff:127.0.0.1]",
        "http://169.254.169.254/latest/meta-data",
    ],
)
def test_a_private_address_names_the_setting_that_opens_it(url: str) -> None:
    assert "BOTFACTORY_ALLOWED_NETWORKS" in refusal(url)


def test_a_private_address_on_another_port_names_it_too() -> None:
    assert "BOTFACTORY_ALLOWED_NETWORKS" in refusal("http://127.0.0.1:6333")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://llm.example.com/v1?key=abc", "field for the secret"),
        ("https://llm.example.com?", "field for the secret"),
        ("https://llm.example.com/v1#key", "from the # on"),
        ("https://${SECRET}/v1", "placeholders"),
        ("https://llm.example.com/${SECRET}", "placeholders"),
        ("https://llm.example.com/{{ secret }}", "placeholders"),
        ("https://llm.example.com/%7Bsecret%7D", "placeholders"),
        ("https://user:key@llm.example.com/v1", "user name or password"),
        ("ftp://llm.example.com", "http:// or https://"),
        ("file:///etc/passwd", "http:// or https://"),
        ("gopher://llm.example.com", "http:// or https://"),
        ("http://0x7f000001/", "four plain numbers"),
        ("http://127.1/", "four plain numbers"),
        ("https://llm.example.com:6333", "BOTFACTORY_ALLOWED_PORTS"),
        ("https://93.184.216.34:6333", "BOTFACTORY_ALLOWED_PORTS"),
        ("llm.example.com/v1", "valid web address"),
        ("", "Write it like"),
        (f"https://llm.example.com/{'a' * 500}", "Write it like"),
        ("https://llm.example.com/\x00", "valid web address"),
    ],
)
def test_what_is_no_address_of_an_engine_says_what_to_do(url: str, said: str) -> None:
    assert said in refusal(url)


@pytest.mark.parametrize("is_server_wide", [False, True])
@pytest.mark.parametrize(
    "url", ["http://169.254.169.254", "https://a.example/?key=x", "https://${SECRET}/"]
)
def test_some_are_closed_to_operators_too(url: str, is_server_wide: bool) -> None:
    assert refusal(url, is_server_wide=is_server_wide)


def test_the_operator_may_name_a_neighbour() -> None:
    assert check_engine_url("http://tgi:8080/", is_server_wide=True) == "http://tgi:8080"
    assert check_engine_url("http://10.0.0.7:8080", is_server_wide=True) == "http://10.0.0.7:8080"


def test_an_allowed_network_opens_addresses_that_people_type(settings: Settings) -> None:
    settings.BOTFACTORY_ALLOWED_NETWORKS = ["127.0.0.0/8"]
    url = "http://127.0.0.1:8080"
    assert check_engine_url(url, is_server_wide=False) == url
    assert "BOTFACTORY_ALLOWED_NETWORKS" in refusal("http://10.0.0.7:80")


def test_a_public_address_loses_only_its_last_slash() -> None:
    assert (
        check_engine_url(" https://LLM.example.com/v1/ ", is_server_wide=False)
        == "https://llm.example.com/v1"
    )


def test_only_the_server_s_engines_reach_private_networks() -> None:
    own, server = Engine(workspace_id="5f0f8f4e-1111-4222-8333-444455556666"), Engine()
    assert policy_for(own).allowed_networks == ()
    assert policy_for(server).allowed_networks != ()
