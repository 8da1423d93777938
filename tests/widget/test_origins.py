from __future__ import annotations

import pytest

from bots.sites import normalise_sites
from widget.origins import frame_ancestors, is_top_level, panel_policy


def test_only_the_listed_sites_may_frame() -> None:
    sites = normalise_sites(
        ["https://Shop.Example.com:443/path", "*.example.org", "http://a.test:8080"]
    )

    assert frame_ancestors(sites) == (
        "frame-ancestors https://shop.example.com https://*.example.org http://a.test:8080"
    )


def test_no_site_means_nobody() -> None:
    assert frame_ancestors([]) == "frame-ancestors 'none'"


@pytest.mark.parametrize(
    "site",
    ["*", "https:", "'self'", "data:", "https://*", "https://a.test; script-src *",
     "https://a.test\r\nX: y", "https://a.test *", "https://a.test/path", "", None],
)  # fmt: skip
def test_what_is_not_a_site_never_reaches_the_header(site: object) -> None:
    assert frame_ancestors([site]) == "frame-ancestors 'none'"  # type: ignore[list-item]


def test_the_policy_allows_nothing_but_our_own_files() -> None:
    policy = panel_policy("frame-ancestors 'none'")

    assert "unsafe" not in policy
    assert "*" not in policy
    assert policy.startswith("default-src 'none'; script-src 'self'; ")
    assert "require-trusted-types-for 'script'; trusted-types botfactory" in policy


@pytest.mark.parametrize(
    ("destination", "expected"),
    [("iframe", False), ("frame", False), ("", False), ("document", True), ("object", True)],
)
def test_a_browser_says_whether_it_fills_a_frame(destination: str, expected: bool) -> None:
    assert is_top_level(destination) is expected
