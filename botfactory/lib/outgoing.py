"""The two outgoing policies: addresses that people type, and addresses that the operator set."""

from __future__ import annotations

from ipaddress import ip_network

from django.conf import settings

from botfactory.lib import safe_http

_PRIVATE = tuple(
    ip_network(text)
    for text in (
        "127.0.0.0/8",
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "::1/128",
        "fc00::/7",
    )
)


def people_policy() -> safe_http.Policy:
    """For websites, and whatever else a person may type: public, plus what the operator allows."""
    return safe_http.Policy(
        allowed_networks=safe_http.parse_networks(tuple(settings.BOTFACTORY_ALLOWED_NETWORKS)),
        allowed_ports=frozenset(settings.BOTFACTORY_ALLOWED_PORTS),
        user_agent=safe_http.build_user_agent(settings.BOTFACTORY_PUBLIC_URL),
    )


def operator_policy() -> safe_http.Policy:
    """For ENGINE_URL and EMBEDDINGS_URL, which only the operator's environment can name.

    Private ranges are open on any port, so that an engine beside the server needs no opening that
    the crawler would get too. Metadata addresses stay closed.
    """
    policy = people_policy()
    return safe_http.Policy(allowed_networks=(*policy.allowed_networks, *_PRIVATE))
