"""Engines in words."""

from __future__ import annotations

from django import template

from bots.administration.advice import advice_for

register = template.Library()


@register.filter
def advice(code: str) -> str:
    """What to do about the code of a failed probe or test."""
    return advice_for(code)
