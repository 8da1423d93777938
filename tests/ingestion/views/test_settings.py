"""How a source is read: everybody may look, editors change it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from botfactory.accounts.models import User
from ingestion import renderers
from ingestion.models import Source

ClientOf = Callable[[User], Client]

WANTED = {
    "max_pages": "1200",
    "max_depth": "3",
    "path_prefix": "/docs/",
    "with_subdomains": "on",
    "include": "/docs/*\r\n\r\n  /faq  \r\n",
    "exclude": "/blog/*",
    "refresh": "weekly",
}


@pytest.fixture
def settings_path(path: str) -> str:
    return f"{path}settings/"


@pytest.fixture
def has_browser(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """`has_browser("...")`: what this server lacks for rendering; empty for nothing."""

    def set_missing(sentence: str) -> None:
        monkeypatch.setattr("ingestion.forms.missing_for_rendering", lambda: sentence)

    return set_missing


def test_what_is_saved_is_shown_again(
    client_of: ClientOf, alice: User, source: Source, settings_path: str
) -> None:
    client = client_of(alice)
    assert client.post(settings_path, WANTED)["Location"] == settings_path
    source.refresh_from_db()
    assert (source.max_pages, source.max_depth, source.path_prefix) == (1200, 3, "/docs/")
    assert (source.include, source.exclude) == (["/docs/*", "/faq"], ["/blog/*"])
    assert (source.with_subdomains, source.refresh) == (True, "weekly")
    page = client.get(settings_path).content.decode()
    assert "/docs/*\n/faq</textarea>" in page
    assert 'value="1200"' in page
    assert '<option value="weekly" selected>' in page


def test_empty_numbers_mean_the_defaults(
    client_of: ClientOf, alice: User, source: Source, settings_path: str
) -> None:
    Source.objects.filter(pk=source.pk).update(max_pages=7, max_depth=1, exclude=["/blog/"])
    client_of(alice).post(settings_path, {})
    source.refresh_from_db()
    assert (source.max_pages, source.max_depth, source.exclude) == (500, 20, [])


def test_saving_may_start_reading_at_once(
    client_of: ClientOf, alice: User, source: Source, path: str, settings_path: str
) -> None:
    response = client_of(alice).post(settings_path, {**WANTED, "read": "now"})
    assert response["Location"] == path
    source.refresh_from_db()
    assert source.status == Source.Status.QUEUED


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"max_pages": "0"}, "max_pages"),
        ({"max_pages": "50001"}, "max_pages"),
        ({"max_depth": "-1"}, "max_depth"),
        ({"path_prefix": "x" * 501}, "path_prefix"),
        ({"include": "x" * 501}, "include"),
        ({"exclude": "/a\n" * 300 + "x" * 501}, "exclude"),
        ({"refresh": "every second"}, "refresh"),
        ({"max_pages": "9" * 40}, "max_pages"),
    ],
)
def test_bad_input_is_shown_beside_its_field_and_nothing_is_saved(
    client_of: ClientOf,
    alice: User,
    source: Source,
    settings_path: str,
    wrong: dict[str, str],
    field: str,
) -> None:
    response = client_of(alice).post(settings_path, {**WANTED, **wrong})
    assert response.status_code == 200
    assert f'id="id_{field}_error"' in response.content.decode()
    source.refresh_from_db()
    assert (source.max_depth, source.refresh) == (20, "")


def test_a_server_without_a_browser_says_what_rendering_needs(
    client_of: ClientOf,
    alice: User,
    source: Source,
    settings_path: str,
    has_browser: Callable[[str], None],
) -> None:
    client = client_of(alice)
    has_browser("This server lacks Chromium: ask its operator.")
    page = client.get(settings_path).content.decode()
    assert "This server lacks Chromium" in page
    client.post(settings_path, {**WANTED, "render_javascript": "on"})
    source.refresh_from_db()
    assert not source.render_javascript
    has_browser("")
    client.post(settings_path, {**WANTED, "render_javascript": "on"})
    source.refresh_from_db()
    assert source.render_javascript


def test_what_is_missing_for_rendering_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    renderers.missing_for_rendering.cache_clear()
    monkeypatch.setattr(renderers, "find_spec", lambda name: None)
    monkeypatch.setattr("shutil.which", lambda name: None)
    missing = renderers.missing_for_rendering()
    renderers.missing_for_rendering.cache_clear()
    assert "Chromium" in missing
    assert "Playwright" in missing


def test_a_repository_has_its_schedule_alone(
    client_of: ClientOf, alice: User, source: Source, settings_path: str
) -> None:
    Source.objects.filter(pk=source.pk).update(kind=Source.Kind.REPOSITORY, max_pages=7)
    client = client_of(alice)
    assert "max_pages" not in client.get(settings_path).content.decode()
    client.post(settings_path, WANTED)
    source.refresh_from_db()
    assert (source.refresh, source.max_pages) == ("weekly", 7)


def test_files_have_no_settings(
    client_of: ClientOf, alice: User, source: Source, path: str, settings_path: str
) -> None:
    Source.objects.filter(pk=source.pk).update(kind=Source.Kind.FILE)
    client = client_of(alice)
    assert client.get(settings_path).status_code == 404
    assert settings_path not in client.get(path).content.decode()


def test_a_viewer_may_look_and_no_more(
    client_of: ClientOf, bob: User, source: Source, settings_path: str
) -> None:
    client = client_of(bob)
    page = client.get(settings_path).content.decode()
    assert '<fieldset class="settings-fields" disabled>' in page
    assert ">Save<" not in page
    assert client.post(settings_path, WANTED).status_code == 403
    source.refresh_from_db()
    assert source.max_pages == 500


def test_outsiders_strangers_and_wrong_methods_are_refused(
    client: Client, client_of: ClientOf, alice: User, charlie: User, settings_path: str
) -> None:
    assert client_of(charlie).get(settings_path).status_code == 404
    assert client_of(charlie).post(settings_path, WANTED).status_code == 404
    assert client.get(settings_path)["Location"].startswith("/accounts/login/")
    assert client_of(alice).put(settings_path).status_code == 405
