from __future__ import annotations

import pytest
from django.test import RequestFactory
from pytest_django import Settings

from widget.limits import client


@pytest.mark.parametrize(
    ("address", "counted_as"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.7", "::ffff:203.0.113.7"),
        ("", "local"),
    ],
)
def test_an_address_counts_as_its_subscriber(address: str, counted_as: str) -> None:
    assert client(RequestFactory().get("/", REMOTE_ADDR=address)) == counted_as


def test_a_forwarded_address_is_believed_behind_our_own_proxy_only(settings: Settings) -> None:
    request = RequestFactory().get(
        "/", REMOTE_ADDR="10.0.0.1", headers={"X-Forwarded-For": "192.0.2.1, 203.0.113.7"}
    )

    settings.SECURE_PROXY_SSL_HEADER = None
    assert client(request) == "10.0.0.1"
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    assert client(request) == "203.0.113.7"
