"""Which addresses may be dialled."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network

USER_AGENT = "Mozilla/5.0 (compatible; BotFactory/0.1)"
WEB_PORTS = frozenset({80, 443})


@dataclass(frozen=True, slots=True)
class Policy:
    """What the operator allows.

    `allowed_networks` are ranges that may be reached although they are private, on any port.
    `allowed_ports` holds for every other (public) address.
    """

    allowed_networks: tuple[IPv4Network | IPv6Network, ...] = ()
    allowed_ports: frozenset[int] = WEB_PORTS
    max_redirects: int = 5
    user_agent: str = USER_AGENT
