from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError

from bots.sites import normalise_site, normalise_sites


@pytest.mark.parametrize(
    ("site", "origin"),
    [
        ("example.com", "https://example.com"),
        ("https://Example.com/path?q#f", "https://example.com"),
        ("http://localhost:8080/", "http://localhost:8080"),
        ("https://example.com:443", "https://example.com"),
        ("https://*.example.com", "https://*.example.com"),
        ("https://münchen.example", "https://xn--mnchen-3ya.example"),
    ],
)
def test_a_site_becomes_an_origin(site: str, origin: str) -> None:
    assert normalise_site(site) == origin


@pytest.mark.parametrize(
    "site",
    [
        "javascript:alert(1)",
        "ftp://example.com",
        "https://",
        "*",
        "https://*",
        "https://a b.com",
        "https://example.com;script-src *",
        "https://user:pw@example.com",
        "https://example.com:99999",
        "'self'",
        "https://exa\nmple.com",
    ],
)
def test_what_is_no_site_is_refused(site: str) -> None:
    with pytest.raises(ValidationError):
        normalise_site(site)


def test_repeats_and_blank_lines_are_dropped() -> None:
    assert normalise_sites(["a.example", " ", "https://a.example/"]) == ["https://a.example"]


def test_there_is_an_upper_number() -> None:
    with pytest.raises(ValidationError):
        normalise_sites(["a.example"] * 51)
