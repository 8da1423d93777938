"""What a template may ask about roles: buttons a role cannot use are not shown."""

from __future__ import annotations

from django import template

from botfactory.accounts.access import Actor
from botfactory.accounts.models import Role

register = template.Library()


@register.filter
def allows(actor: Actor, role: str) -> bool:
    """`{% if actor|allows:"editor" %}`: whether the actor's role is at least that one."""
    return actor.role.allows(Role(role))
