"""One conversation as a file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bots.models import Citation, Conversation, Message
from bots.transcripts import TranscriptTurn


def as_data(conversation: Conversation, turns: Sequence[TranscriptTurn]) -> dict[str, Any]:
    """JSON of the conversation, earlier attempts included."""
    forked_from = conversation.forked_from_id
    return {
        "id": str(conversation.pk),
        "bot": {"id": str(conversation.bot_id), "name": conversation.bot.name},
        "channel": conversation.channel,
        "forked_from": str(forked_from) if forked_from else None,
        "created_at": conversation.created_at.isoformat(),
        "messages": [
            _message(message) for turn in turns for message in (*turn.earlier, turn.message)
        ],
    }


def _message(message: Message) -> dict[str, Any]:
    return {
        "id": str(message.pk),
        "role": message.role,
        "attempt": message.attempt,
        "is_current": message.is_current,
        "state": message.state,
        "answered_by": message.answered_by,
        "engine": message.engine,
        "text": message.text,
        "citations": [
            {"n": c.n, "title": c.title, "url": c.url, "page": c.page, "text": c.text}
            for c in message.citations.all()
        ],
        "created_at": message.created_at.isoformat(),
    }


def as_markdown(conversation: Conversation, turns: Sequence[TranscriptTurn]) -> str:
    """For people to read: the conversation as the visitor saw it last."""
    when = conversation.created_at.strftime("%Y-%m-%d %H:%M UTC")
    parts = [f"# {conversation.bot.name}, {when}"]
    for turn in turns:
        message = turn.message
        state = "" if message.state == Message.State.COMPLETE else message.get_state_display()
        who = f"**{message.get_role_display()}**"
        parts.append(f"{who} ({state})" if state else who)
        parts.append(message.text or "(no text)")
        if sources := [_source(citation) for citation in message.citations.all()]:
            parts.append("\n".join(sources))
    return "\n\n".join(parts) + "\n"


def _source(citation: Citation) -> str:
    place = f", page {citation.page}" if citation.page else ""
    address = f" <{citation.url}>" if citation.url.startswith(("http://", "https://")) else ""
    return f"- [{citation.n}] {citation.title}{place}{address}"
