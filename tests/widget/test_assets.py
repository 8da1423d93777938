from __future__ import annotations

import gzip
import re

import pytest
from django.template.loader import render_to_string
from django.test import Client
from django.urls import reverse

from bots.models import Bot
from widget import assets
from widget.colors import palette

MAX_LOADER_BYTES = 3000
MAX_PANEL_BYTES = 25_000
MAX_MODULE_LINES = 150


def test_the_loader_is_at_most_three_kilobytes() -> None:
    assert len(assets.assets()[assets.LOADER].compressed) <= MAX_LOADER_BYTES


def test_the_whole_panel_is_at_most_25_kilobytes() -> None:
    context = {
        "bot": Bot(name="Helper"),
        "channel": "widget",
        "palette": palette("#2450d3"),
        "token": "x" * 300,
        "version": assets.version(),
        "modules": assets.panel_modules(),
    }
    page = gzip.compress(render_to_string("widget/frame.html", context).encode())
    files = [a.compressed for name, a in assets.assets().items() if name != assets.LOADER]

    assert len(page) + sum(map(len, files)) <= MAX_PANEL_BYTES


@pytest.mark.parametrize("name", assets.panel_modules())
def test_modules_are_short_and_write_html_in_one_place_only(name: str) -> None:
    source = assets.assets()[name].body.decode()

    assert len(source.splitlines()) <= MAX_MODULE_LINES
    sinks = re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b", source)
    assert sinks == (["innerHTML"] if name == "html.js" else [])


@pytest.mark.parametrize("name", assets.panel_modules())
def test_every_import_is_a_file_of_the_panel(name: str) -> None:
    imports = re.findall(r'from "\./([^"]+)"', assets.assets()[name].body.decode())

    assert set(imports) <= set(assets.panel_modules())


def test_the_loader_is_cached_shortly_and_revalidated() -> None:
    client = Client()
    response = client.get("/widget.js", headers={"Accept-Encoding": "br, gzip"})

    assert response["Content-Type"] == "text/javascript; charset=utf-8"
    assert response["Cache-Control"] == "public, max-age=300"
    assert response["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert "Accept-Encoding" in response["Vary"]
    assert not response.cookies
    plain = client.get("/widget.js")
    assert gzip.decompress(response.content) == plain.content
    assert "Content-Encoding" not in plain
    unchanged = client.get("/widget.js", headers={"If-None-Match": plain["ETag"]})
    assert (unchanged.status_code, unchanged.content) == (304, b"")


def test_a_file_of_this_version_is_kept_for_ever_and_of_another_is_not() -> None:
    client = Client()
    now = client.get(reverse("widget:asset", args=[assets.version(), "panel.js"]))
    old = client.get(reverse("widget:asset", args=["0123456789ab", "panel.js"]))

    assert now["Cache-Control"] == "public, max-age=31536000, immutable"
    assert old["Cache-Control"] == "no-cache"
    assert old.content == now.content


@pytest.mark.parametrize("name", ["nothing.js", "..", "__init__.py"])
def test_there_is_nothing_else_to_get(name: str) -> None:
    response = Client().get(f"/widget/assets/{assets.version()}/{name}")

    assert response.status_code == 404
