"""The report as a CSV file."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from uuid import uuid4

import pytest
from django.test import AsyncClient, Client

from botfactory.accounts.models import User
from ingestion import pages
from ingestion.models import IngestionRun

ClientOf = Callable[[User], Client]
NotePage = Callable[..., object]

pytestmark = pytest.mark.django_db(transaction=True)


async def download(user: User, path: str) -> tuple[str, list[list[str]]]:
    """The Content-Disposition, and the rows below the header."""
    client = AsyncClient()
    await client.aforce_login(user, backend="django.contrib.auth.backends.ModelBackend")
    response = await client.get(path)
    assert response.status_code == 200
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    body = b"".join([piece async for piece in response])  # type: ignore[attr-defined]
    header, *rows = csv.reader(io.StringIO(body.decode("utf-8-sig")))
    assert header == ["address", "result", "why", "detail", "change", "reason", "updated"]
    return response["Content-Disposition"], rows


async def test_it_holds_every_page_that_passes_the_filter(
    bob: User, note_page: NotePage, path: str
) -> None:
    from asgiref.sync import sync_to_async

    note = sync_to_async(note_page)
    await note("https://example.com/a", change="added")
    await note("https://example.com/b", "skipped", reason="robots")
    await note("https://example.com/c", "failed", reason="http_status", detail="=1+1")
    name, rows = await download(bob, f"{path}export/")
    assert name.startswith('attachment; filename="report-examplecom-')
    assert [row[:2] for row in rows] == [
        ["https://example.com/a", "Indexed"],
        ["https://example.com/b", "Skipped"],
        ["https://example.com/c", "Failed"],
    ]
    assert rows[1][2].startswith("The site's robots.txt")
    assert rows[2][3] == "'=1+1"
    _, failed = await download(bob, f"{path}export/?verdict=failed&reason=http_status&q=/C")
    assert [row[0] for row in failed] == ["https://example.com/c"]


async def test_it_reads_the_pages_in_batches_and_misses_none(
    bob: User, note_page: NotePage, run: IngestionRun, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from asgiref.sync import sync_to_async

    monkeypatch.setattr(pages, "EXPORT_BATCH", 2)
    note = sync_to_async(note_page)
    addresses = [f"https://example.com/{number}" for number in range(5)]
    for address in addresses:
        await note(address)
    _, rows = await download(bob, f"{path}runs/{run.pk}/export/")
    assert [row[0] for row in rows] == addresses


def test_without_a_run_there_is_nothing_to_export(
    client_of: ClientOf, alice: User, path: str
) -> None:
    assert client_of(alice).get(f"{path}export/")["Location"] == path


def test_outsiders_strangers_and_wrong_methods_are_refused(
    client: Client, client_of: ClientOf, alice: User, charlie: User, run: IngestionRun, path: str
) -> None:
    for address in (f"{path}export/", f"{path}runs/{run.pk}/export/"):
        assert client_of(charlie).get(address).status_code == 404
        assert client.get(address)["Location"].startswith("/accounts/login/")
        assert client_of(alice).post(address).status_code == 405
    assert client_of(alice).get(f"{path}runs/{uuid4()}/export/").status_code == 404
