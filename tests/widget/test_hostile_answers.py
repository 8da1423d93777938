"""Answers of a model that was talked into harm: what visitors get is text.

Every payload stands in every place where Markdown could treat it otherwise.
"""

from __future__ import annotations

import html
import json
import re
from itertools import cycle
from typing import Any

import pytest
from django.test import AsyncClient

from botfactory.lib.sse import SseEvent, SseParser
from bots.markdown import BlockSplitter, render_answer
from bots.models import Bot
from tests.hostile import payloads
from tests.hostile.judging import active_parts
from tests.widget.scripted import ScriptedEngine
from widget.tokens import begin_visit, sign_visit

# `{}` is a payload.
PLACES = (
    "{}", "Before {} after", "# {}", "- {}\n- x", "> {}", "|{}|b|\n|-|-|\n|c|{}|", "**{}**", "`{}`",
    "```\n{}\n```", "```{}\nx\n```", "[{}](https://a.test)", "[x]({})", "[x](<{}>)", "![{}]({})",
    "[1] {} [2]", "    {}", "x\n\n{}\n\ny",
)  # fmt: skip


def rendered(text: str) -> str:
    return render_answer(text, known={1, 2})


def fence_of(body: str) -> str:
    return f"<pre><code>{html.escape(body, quote=False)}\n</code></pre>\n"


@pytest.mark.parametrize("place", PLACES)
def test_no_payload_acts_wherever_it_stands(place: str) -> None:
    acting = {}
    for payload in payloads.ALL:
        if found := active_parts(rendered(place.replace("{}", payload))):
            acting[payload] = found

    assert acting == {}


def test_no_payload_acts_in_the_blocks_of_a_stream() -> None:
    acting = {}
    for index, payload in enumerate(payloads.ALL):
        size = 1 + index % 9
        splitter, text = BlockSplitter(), f"One.\n\n{payload}\n\nTwo [1].\n"
        pieces = (text[at : at + size] for at in range(0, len(text), size))
        blocks = [block for piece in pieces for block in splitter.feed(piece)]
        if found := active_parts("".join(map(rendered, [*blocks, *splitter.flush()]))):
            acting[payload] = found

    assert acting == {}


def test_an_address_is_a_link_only_when_it_leads_to_the_web_or_a_mailbox() -> None:
    for address in payloads.ADDRESSES:
        for form in ("[x]({})", "[x](<{}>)", "<{}>", "[x][y]\n\n[y]: {}", "[x]: {}\n\n[x]"):
            for link in re.findall(r'href="([^"]*)"', rendered(form.replace("{}", address))):
                assert re.match(r"(https?://|mailto:)", link, re.IGNORECASE), address


def test_what_a_fence_holds_is_shown_as_code() -> None:
    for payload, language in zip(payloads.MARKUP, cycle(payloads.FENCES)):
        body = " ".join(payload.replace("\x00", "").split())
        if "`" not in body:
            shown = rendered(f"```{language}\n{body}\n```")
            assert html.unescape(shown) == html.unescape(fence_of(body)), payload


def test_the_text_of_a_picture_is_kept_and_its_address_is_not() -> None:
    for form in ("![a plan]({})", "![a plan](<{}>)", '![a plan]({} "t")'):
        shown = rendered(form.replace("{}", "https://evil.test/?d=SECRET"))
        assert "a plan" in shown
        assert "SECRET" not in shown


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("door", ["visitor", "api"])
async def test_no_answer_forges_an_event_of_its_stream(
    door: str, open_bot: Bot, api_key: str, engine: ScriptedEngine
) -> None:
    engine.answer = [f"{payload} " for payload in payloads.ALL]
    visit = begin_visit(bot_id=open_bot.pk, channel="widget")
    is_visitor = door == "visitor"
    response: Any = await AsyncClient().post(
        "/widget/v1/chat/" if is_visitor else f"/api/v1/bots/{open_bot.pk}/chat/",
        json.dumps({"message": "How long?", "stream": True}),
        content_type="application/json",
        headers={"Authorization": f"Bearer {sign_visit(visit) if is_visitor else api_key}"},
    )
    parser = SseParser()
    found: list[SseEvent] = [event async for part in response for event in parser.feed(part)]
    data = [json.loads(event.data) for event in found]
    blocks = [
        part["html"] for event, part in zip(found, data, strict=True) if event.name == "block"
    ]

    assert [event.id for event in found] == [str(n + 1) for n in range(len(found))]
    assert {event.name for event in found} - {"block"} == {
        *("start", "status", "sources", "delta", "done")
    }
    assert data[-1]["state"] == "complete"
    assert bool(blocks) is is_visitor
    assert active_parts("".join(blocks) + data[-1].get("html", "")) == []
