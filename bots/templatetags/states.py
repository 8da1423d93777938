"""Messages in words and in HTML."""

from __future__ import annotations

from django import template
from django.utils.safestring import SafeString, mark_safe

from bots.markdown import render_answer
from bots.models import Message

register = template.Library()


@register.filter
def state_label(state: str) -> str:
    return str(Message.State(state).label)


@register.filter
def answer_html(message: Message) -> SafeString:
    """A bot's Markdown as HTML with its known citations marked."""
    known = {citation.n for citation in message.citations.all()}
    # Safe: the renderer knows no raw HTML, and nh3 keeps a short list of tags (bots/markdown.py).
    return mark_safe(render_answer(message.text, known=known))  # noqa: S308


@register.filter
def seconds(ms: int) -> str:
    """Milliseconds for people: 412 ms, 3.4 s."""
    return f"{ms} ms" if ms < 1000 else f"{ms / 1000:.1f} s"
