from __future__ import annotations

import re
from collections.abc import Callable
from uuid import uuid4

import pytest
from django.http import HttpResponse
from django.test import AsyncClient, Client
from django.urls import reverse
from django.utils.html import escape

from botfactory.accounts.models import User
from bots.models import Bot
from tests.widget.scripted import SITE
from widget.tokens import read_visit

pytestmark = pytest.mark.django_db(transaction=True)


def get(
    name: str, bot_id: object, client: Client | None = None, *, fetch_destination: str = ""
) -> HttpResponse:
    headers = {"Sec-Fetch-Dest": fetch_destination} if fetch_destination else {}
    response = (client or Client()).get(reverse(name, args=[bot_id]), headers=headers)
    assert isinstance(response, HttpResponse)
    return response


def ancestors(response: HttpResponse) -> str:
    directives = response["Content-Security-Policy"].split("; ")
    return next(d for d in directives if d.startswith("frame-ancestors"))


def token(response: HttpResponse) -> str:
    match = re.search(r'data-token="([^"]*)"', response.content.decode())
    return match[1] if match else ""


def test_the_frame_may_stand_on_the_bots_sites_alone(open_bot: Bot) -> None:
    response = get("widget:frame", open_bot.pk)

    assert response.status_code == 200
    assert ancestors(response) == f"frame-ancestors {SITE}"
    assert "X-Frame-Options" not in response


def test_the_frame_needs_no_cookie_and_leaves_none(open_bot: Bot) -> None:
    response = get("widget:frame", open_bot.pk)

    assert not response.cookies
    assert response["Cache-Control"] == "no-store"


def test_the_frame_holds_a_token_for_its_bot(open_bot: Bot) -> None:
    visit = read_visit(token(get("widget:frame", open_bot.pk)))

    assert (visit.bot_id, visit.channel, visit.conversation_id) == (open_bot.pk, "widget", None)
    assert read_visit(token(get("widget:frame", open_bot.pk))).visitor_id != visit.visitor_id


def test_a_bot_without_sites_has_no_public_frame(open_bot: Bot) -> None:
    Bot.objects.update(allowed_sites=[])
    response = get("widget:frame", open_bot.pk)

    assert response.status_code == 403
    assert ancestors(response) == "frame-ancestors 'none'"
    assert not token(response)


def test_the_frame_is_no_page_of_its_own(open_bot: Bot) -> None:
    response = get("widget:frame", open_bot.pk, fetch_destination="document")

    assert response.status_code == 403
    assert not token(response)
    in_frame = get("widget:frame", open_bot.pk, fetch_destination="iframe")
    assert in_frame.status_code == 200


@pytest.mark.parametrize("name", ["widget:frame", "widget:share"])
def test_an_unknown_or_deleted_bot_is_a_friendly_404(name: str, open_bot: Bot) -> None:
    Bot.objects.update(deleted_at="2026-01-01T00:00Z", is_shared=True)

    for bot_id in (uuid4(), open_bot.pk):
        response = get(name, bot_id)
        assert response.status_code == 404
        assert "This chat does not exist, or is not open." in response.content.decode()


def test_the_share_page_exists_for_shared_bots_only(open_bot: Bot) -> None:
    assert get("widget:share", open_bot.pk).status_code == 404
    Bot.objects.update(is_shared=True)
    response = get("widget:share", open_bot.pk)

    assert response.status_code == 200
    assert ancestors(response) == "frame-ancestors 'none'"
    assert read_visit(token(response)).channel == "share"


def test_members_preview_a_bot_in_the_dashboard(
    open_bot: Bot, bob: User, client_of: Callable[[User], Client]
) -> None:
    response = get("widget:preview", open_bot.pk, client_of(bob))

    assert response.status_code == 200
    assert ancestors(response) == "frame-ancestors 'self'"
    assert read_visit(token(response)).channel == "preview"


def test_the_preview_shows_the_draft_and_visitors_do_not(
    open_bot: Bot, bob: User, client_of: Callable[[User], Client]
) -> None:
    draft = {"greeting": "Drafted!", "color": "#112233", "starter_questions": ["Drafted one?"]}
    Bot.objects.update(draft=draft, is_shared=True)
    preview = get("widget:preview", open_bot.pk, client_of(bob)).content.decode()

    assert "<p>Drafted!</p>" in preview
    assert ">Drafted one?</button>" in preview
    assert 'data-fill="#112233"' in preview
    for name in ("widget:frame", "widget:share"):
        page = get(name, open_bot.pk).content.decode()
        assert "Drafted" not in page
        assert "#112233" not in page


def test_outsiders_and_strangers_get_no_preview(
    open_bot: Bot, charlie: User, client_of: Callable[[User], Client]
) -> None:
    assert get("widget:preview", open_bot.pk, client_of(charlie)).status_code == 404
    assert get("widget:preview", open_bot.pk).status_code == 302


@pytest.mark.parametrize("name", ["widget:frame", "widget:share", "widget:preview"])
def test_pages_are_only_read(name: str, open_bot: Bot, alice: User) -> None:
    client = Client()
    client.force_login(alice, backend="django.contrib.auth.backends.ModelBackend")

    assert client.post(reverse(name, args=[open_bot.pk])).status_code == 405


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "'-alert()-'"]
)
def test_name_greeting_and_starter_questions_are_text(text: str, open_bot: Bot) -> None:
    Bot.objects.update(name=text, greeting=text, starter_questions=[text])
    html = get("widget:frame", open_bot.pk).content.decode()

    assert text not in html
    assert html.count(escape(text)) == 4


def test_the_page_itself_keeps_to_its_policy(open_bot: Bot) -> None:
    html = get("widget:frame", open_bot.pk).content.decode()

    assert not re.search(r"\s(?:style|on[a-z]+)=|<style|<script(?![^>]*\ssrc=)", html)


async def test_too_many_pages_for_one_address_are_refused(
    open_bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("widget.limits.PAGES_PER_ADDRESS", 1)
    address = reverse("widget:frame", args=[open_bot.pk])
    first, second = [await AsyncClient().get(address) for _ in range(2)]
    assert isinstance(second, HttpResponse)

    assert (first.status_code, second.status_code) == (200, 429)
    assert not token(second)
