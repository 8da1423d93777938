"""States of messages in words."""

from __future__ import annotations

from django import template

from bots.models import Message

register = template.Library()


@register.filter
def state_label(state: str) -> str:
    return str(Message.State(state).label)
