from __future__ import annotations

from ipaddress import ip_network

import pytest

from botfactory.lib.safe_http import Policy, UrlNotAllowed, check_address, parse_networks

PUBLIC_V4 = "93.184.216.34"
EVERYTHING = Policy(allowed_networks=(ip_network("0.0.0.0/0"), ip_network("::/0")))

CLOSED = [
    "0.0.0.0",  # noqa: S104 - nothing is bound
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "100.127.255.255",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.1.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.8",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::127.0.0.1",
    f"::{PUBLIC_V4}",
    "::ffff:0:127.0.0.1",
    f"::ffff:0:{PUBLIC_V4}",
    "64:ff9b::7f00:1",
    "64:ff9b::a00:1",
    "64:ff9b:1::",
    "64:ff9b:1::7f00:1",
    "64:ff9b:1::5db8:d822",
    "100::1",
    "2001::1",
    "2001:0:7f00:1::",
    "2001:0:5db8:d822:0:0:80ff:fffe",
    "2001:10::1",
    "2001:20::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:a00:1::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd12:3456::1",
    "fe80::1",
    "fe80::1%eth0",
    "fe80::5efe:7f00:1",
    "2a00:1450:4001::5efe:7f00:1",
    "2a00:1450:4001::200:5efe:a00:1",
    "fec0::1",
    "ff02::1",
    "not an address",
]
METADATA = [
    "169.254.169.254",
    "169.254.170.2",
    "169.254.0.23",
    "169.254.42.42",
    "fd00:42::42",
    "fd20:ce::254",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "fd00:ec2::254",
    "::ffff:169.254.169.254",
    "::169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::a9fe:a9fe",
    "64:ff9b:1:a9fe:a9:fe00::",
    "2002:a9fe:a9fe::1",
    "2a00:1450:4001::5efe:a9fe:a9fe",
    "2001:0:a9fe:a9fe::1",
    "2001:0:5db8:d822:0:0:5601:5601",
]
OPEN = [
    PUBLIC_V4,
    "1.1.1.1",
    "100.63.255.255",
    "100.128.0.1",
    "172.32.0.1",
    "192.0.1.1",
    "2a00:1450:4001:800::200e",
    "2606:4700::1111",
    f"::ffff:{PUBLIC_V4}",
    f"64:ff9b::{PUBLIC_V4}",
]


@pytest.mark.parametrize("address", CLOSED + METADATA)
def test_it_refuses_addresses_that_are_not_public(address: str) -> None:
    with pytest.raises(UrlNotAllowed) as caught:
        check_address(address, 443, Policy())
    assert caught.value.code == "url_not_allowed"
    assert caught.value.status == 400
    assert not caught.value.retryable


@pytest.mark.parametrize("address", METADATA)
def test_it_refuses_metadata_even_when_the_operator_allows_everything(address: str) -> None:
    with pytest.raises(UrlNotAllowed):
        check_address(address, 80, EVERYTHING)


@pytest.mark.parametrize("address", OPEN)
def test_it_lets_public_web_servers_through(address: str) -> None:
    check_address(address, 80, Policy())
    check_address(address, 443, Policy())


@pytest.mark.parametrize("port", [0, 22, 25, 5432, 6333, 6379, 8080, 65535])
def test_it_refuses_other_ports_of_public_servers(port: int) -> None:
    with pytest.raises(UrlNotAllowed, match="80, 443"):
        check_address(PUBLIC_V4, port, Policy())


def test_an_allowed_network_opens_its_addresses_on_any_port_and_no_others() -> None:
    policy = Policy(allowed_networks=parse_networks(("127.0.0.0/8", "fd12::/16")))
    check_address("127.0.0.1", 6333, policy)
    check_address("::ffff:127.0.0.1", 6333, policy)
    check_address("fd12::1", 8000, policy)
    for closed in ("10.0.0.1", "::1", "fd13::1", "2002:7f00:1::", "64:ff9b:1::7f00:1"):
        with pytest.raises(UrlNotAllowed):
            check_address(closed, 80, policy)


def test_loopback_of_version_6_can_be_allowed_by_itself() -> None:
    check_address("::1", 8080, Policy(allowed_networks=parse_networks(("::1/128",))))


def test_a_tunnel_needs_both_its_own_range_and_the_inner_address_allowed() -> None:
    outer_only = Policy(allowed_networks=parse_networks(("2002::/16",)))
    both = Policy(allowed_networks=parse_networks(("2002::/16", "10.0.0.0/8")))
    with pytest.raises(UrlNotAllowed):
        check_address("2002:a00:1::1", 80, outer_only)
    check_address("2002:a00:1::1", 80, both)
