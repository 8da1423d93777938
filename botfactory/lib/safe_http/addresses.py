"""The judgement over one numeric address: may it be dialled?

IPv6 has many ways to carry an IPv4 address inside (mapped, translated, NAT64, tunnels). An address
is unwrapped before it is judged, so that `::ffff:127.0.0.1` is seen as what it reaches. The ranges
follow IANA's special-purpose registries, written out here because `ipaddress.is_private` differs
between Python releases and misses several of them.
"""

from __future__ import annotations

from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

from botfactory.lib.safe_http.errors import UrlNotAllowed
from botfactory.lib.safe_http.policy import Policy

_CLOSED_V4 = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
_OPEN_V6 = IPv6Network("2000::/3")
_CLOSED_V6 = tuple(
    IPv6Network(text)
    for text in ("2001::/23", "2001:db8::/32", "2002::/16", "3ffe::/16", "3fff::/20")
)

# Credentials of the machine itself are served here; no operator means these when allowing a range.
# Of IPv4 link-local addresses clouds use several (169.254.169.254, .170.2, .0.23, .42.42), and no
# website has one, so the whole range stays closed.
_METADATA = tuple(
    ip_network(text)
    for text in (
        "169.254.0.0/16",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "fd00:ec2::/32",
        "fd00:42::42",
        "fd20:ce::254",
    )
)

_MAPPED = IPv6Network("::ffff:0:0/96")
_COMPATIBLE = IPv6Network("::/96")
_TRANSLATED = IPv6Network("::ffff:0:0:0/96")
_NAT64 = IPv6Network("64:ff9b::/96")
_NAT64_LOCAL = IPv6Network("64:ff9b:1::/48")
_SIX_TO_FOUR = IPv6Network("2002::/16")
_TEREDO = IPv6Network("2001::/32")
_ISATAP_MARKS = (0x00005EFE, 0x02005EFE)


def check_address(ip: str | IPv4Address | IPv6Address, port: int, policy: Policy) -> None:
    """Returns when `ip:port` may be dialled.

    Raises: UrlNotAllowed (not retryable) for everything that is not a public web server or inside a
    network the operator allows, and always for cloud metadata services.
    """
    address = _parse(ip)
    inner = embedded_addresses(address)
    if any(_serves_metadata(one) for one in (address, *inner)):
        raise UrlNotAllowed(
            "This address serves secrets of the machine itself and is never opened.",
            subject=str(address),
        )
    faces = _faces(address, inner)
    if all(_is_listed(face, policy) for face in faces):
        return
    if not all(is_public(face) or _is_listed(face, policy) for face in faces):
        raise UrlNotAllowed(subject=str(address))
    if port not in policy.allowed_ports:
        ports = ", ".join(str(one) for one in sorted(policy.allowed_ports))
        raise UrlNotAllowed(
            f"Only ports {ports} of public servers are opened. Use the address without a port.",
            subject=f"{address} port {port}",
        )


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """True when the address itself (not what it may carry inside) is globally routable."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _CLOSED_V4)
    return address in _OPEN_V6 and not any(address in network for network in _CLOSED_V6)


def embedded_addresses(address: IPv4Address | IPv6Address) -> tuple[IPv4Address, ...]:
    """Every IPv4 address that this address could lead to when a gateway unwraps it."""
    if isinstance(address, IPv4Address):
        return ()
    value = int(address)
    last = IPv4Address(value & 0xFFFFFFFF)
    found: list[IPv4Address] = []
    # `::` and `::1` stand in the compatible range and yet carry nothing.
    if value > 1 and any(address in net for net in (_MAPPED, _COMPATIBLE, _TRANSLATED, _NAT64)):
        found.append(last)
    if address in _NAT64_LOCAL:
        # RFC 6052 with a /48 prefix: bits 48-63 and 72-87; operators also use the last 32 bits.
        found += [IPv4Address(((value >> 64) & 0xFFFF) << 16 | (value >> 40) & 0xFFFF), last]
    if address in _SIX_TO_FOUR:
        found.append(IPv4Address((value >> 80) & 0xFFFFFFFF))
    if address in _TEREDO:
        found += [IPv4Address((value >> 64) & 0xFFFFFFFF), IPv4Address(~value & 0xFFFFFFFF)]
    if (value >> 32) & 0xFFFFFFFF in _ISATAP_MARKS:
        found.append(last)
    return tuple(found)


def _serves_metadata(address: IPv4Address | IPv6Address) -> bool:
    return any(address.version == one.version and address in one for one in _METADATA)


def _faces(
    address: IPv4Address | IPv6Address, inner: tuple[IPv4Address, ...]
) -> tuple[IPv4Address | IPv6Address, ...]:
    """The addresses that all have to pass: mapped and NAT64 forms are their IPv4 address."""
    if isinstance(address, IPv6Address) and (address in _MAPPED or address in _NAT64):
        return inner
    return (address, *inner)


def _is_listed(address: IPv4Address | IPv6Address, policy: Policy) -> bool:
    return any(address.version == one.version and address in one for one in policy.allowed_networks)


def _parse(ip: str | IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    if isinstance(ip, IPv4Address | IPv6Address):
        return ip
    try:
        address = ip_address(ip)
    except ValueError as exc:
        raise UrlNotAllowed(subject=ip) from exc
    if isinstance(address, IPv6Address) and address.scope_id is not None:
        raise UrlNotAllowed(subject=ip)
    return address


def parse_networks(texts: tuple[str, ...]) -> tuple[IPv4Network | IPv6Network, ...]:
    """The networks written in a setting, `10.0.0.0/8` or one bare address each.

    Raises: ValueError for text that is not a network.
    """
    return tuple(ip_network(text.strip(), strict=False) for text in texts if text.strip())
