from __future__ import annotations

import pytest

from ingestion.errors import PageTooComplex
from ingestion.extraction.prescan import MAX_ATTRIBUTES, MAX_OPTIONS, check_html
from tests.ingestion.extraction.samples import PYTHON_DOCS

ATTACKS = {
    "nested": b"<div>" * 100_000,
    "nested with closed void tags": b"<div><br/><img></p>" * 3_000,
    "nested svg and math": b"<svg><math>" * 5_000,
    "nested cells": b"<table><tr><td>" * 3_000,
    "attributes": b"<a " + b"x=1 " * 100_000 + b">",
    "attributes without values": b"<a " + b"x " * 100_000 + b">",
    "attributes between slashes": b"<a" + b"/x" * 100_000 + b">",
    "attributes side by side": b"<a " + b"x='1'" * 100_000 + b">",
    "attributes behind a quoted bracket": b"<a x=\">\" y='>' " + b"x=1 " * 100_000 + b">",
    "attributes of a tag that never ends": b"<a " + b"x=1 " * 100_000,
    "attributes of many tags that never end": b"<a " * 500_000,
    "quotes without ends": b"<a ='" * 300_000,
    "entities": b"&" * 1_000_000,
    "options": b"<option>" * 50_000,
    "tags": b"<p>" * 500_000,
}
HARMLESS = {
    "empty": b"",
    "text": b"no markup at all",
    "lone bracket": b"<" * 1_000_000,
    "unclosed comment": b"<p>x<!--" + b"-" * 2_000_000,
    "unclosed script": b"<script>" + b"<div>" * 400_000,
    "tags inside a comment": b"<!--" + b"<div>" * 10_000 + b"-->",
    "tags inside a style": b"<style>" + b"<div>" * 10_000 + b"</style>",
    "tags inside quotes": b'<p title="' + b"<div>" * 10_000 + b'">',
    "many closed elements": b"<div>x</div>" * 50_000,
    "items without ends": b"<ul>" + b"<li>x" * 50_000,
    "cdata": b"<![CDATA[" * 100_000,
    "inline image": b'<img src="data:image/png;base64,' + b"a/=b " * 200_000 + b'">',
}


@pytest.mark.parametrize("html", ATTACKS.values(), ids=ATTACKS)
def test_it_refuses_what_keeps_parsers_busy(html: bytes) -> None:
    with pytest.raises(PageTooComplex):
        check_html(html)


@pytest.mark.parametrize("html", HARMLESS.values(), ids=HARMLESS)
def test_it_lets_harmless_pages_through(html: bytes) -> None:
    check_html(html)


def test_the_limits_themselves_are_allowed() -> None:
    at_limit = b"<a " + b" ".join(b"x%d=1" % n for n in range(MAX_ATTRIBUTES))
    check_html(at_limit + b">")
    check_html(b"<option>" * MAX_OPTIONS)
    with pytest.raises(PageTooComplex):
        check_html(at_limit + b" one=more>")
    with pytest.raises(PageTooComplex):
        check_html(b"<option>" * (MAX_OPTIONS + 1))


@pytest.mark.manuals
def test_large_real_pages_pass() -> None:
    for path in ("genindex-all.html", "library/stdtypes.html", "contents.html"):
        check_html((PYTHON_DOCS / path).read_bytes())
