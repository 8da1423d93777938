"""Which addresses the two outgoing policies open, and who they say is asking."""

from __future__ import annotations

import pytest
from pytest_django.fixtures import Settings

from botfactory.lib import outgoing
from botfactory.lib.safe_http import Policy, UrlNotAllowed, check_address


def _opens(policy: Policy, address: str, port: int) -> bool:
    try:
        check_address(address, port, policy)
    except UrlNotAllowed:
        return False
    return True


@pytest.fixture(autouse=True)
def _nothing_allowed(settings: Settings) -> None:
    settings.BOTFACTORY_ALLOWED_NETWORKS = []
    settings.BOTFACTORY_ALLOWED_PORTS = [80, 443]
    settings.BOTFACTORY_PUBLIC_URL = ""


def test_people_reach_public_web_servers_and_what_the_operator_opened(
    settings: Settings,
) -> None:
    assert _opens(outgoing.people_policy(), "93.184.216.34", 443)
    assert not _opens(outgoing.people_policy(), "93.184.216.34", 8080)
    assert not _opens(outgoing.people_policy(), "10.20.0.1", 80)
    settings.BOTFACTORY_ALLOWED_NETWORKS = ["10.20.0.0/16"]
    assert _opens(outgoing.people_policy(), "10.20.0.1", 8080)
    assert not _opens(outgoing.people_policy(), "10.21.0.1", 80)


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "192.168.0.1", "::1", "fd12::1"])
def test_only_the_operators_own_addresses_may_be_private(address: str) -> None:
    assert _opens(outgoing.operator_policy(), address, 8080)
    assert not _opens(outgoing.people_policy(), address, 80)


@pytest.mark.parametrize(
    "address", ["169.254.169.254", "100.100.100.200", "168.63.129.16", "fd00:ec2::254"]
)
def test_metadata_is_closed_to_both(settings: Settings, address: str) -> None:
    settings.BOTFACTORY_ALLOWED_NETWORKS = ["0.0.0.0/0", "::/0"]
    assert not _opens(outgoing.people_policy(), address, 80)
    assert not _opens(outgoing.operator_policy(), address, 80)


def test_sites_are_told_the_product_and_the_server_that_reads_them(
    settings: Settings,
) -> None:
    assert outgoing.people_policy().user_agent == "Mozilla/5.0 (compatible; BotFactory/0.1)"
    settings.BOTFACTORY_PUBLIC_URL = "https://bots.example.com"
    assert (
        outgoing.people_policy().user_agent
        == "Mozilla/5.0 (compatible; BotFactory/0.1; +https://bots.example.com)"
    )
