"""What pages about documents say in words."""

from __future__ import annotations

from django import template
from django.utils.translation import get_language_info

register = template.Library()


@register.filter
def language_name(code: str) -> str:
    """`German` for `de`; a code that nobody knows as it is."""
    try:
        return str(get_language_info(code)["name"])
    except KeyError:
        return code
