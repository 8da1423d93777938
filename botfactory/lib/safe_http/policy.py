"""Which addresses may be dialled."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network

PRODUCT = "BotFactory/0.1"
WEB_PORTS = frozenset({80, 443})


def build_user_agent(info_url: str = "") -> str:
    """The User-Agent: the form that websites expect of a well-behaved robot, with no disguise.

    `info_url` is where a site's owner can see who reads the site, and ask for an end to it.
    """
    about = f"; +{info_url}" if info_url else ""
    return f"Mozilla/5.0 (compatible; {PRODUCT}{about})"


USER_AGENT = build_user_agent()


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
