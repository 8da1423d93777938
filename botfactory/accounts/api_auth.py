"""How a program proves itself: `Authorization: Bearer bf_...`, on DRF and on async doors alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from botfactory.accounts.access import Actor, key_actor
from botfactory.accounts.models import User
from botfactory.accounts.services import find_api_key
from botfactory.errors import NotAuthenticated

if TYPE_CHECKING:
    from rest_framework.views import APIView


def actor_from_header(header: str) -> Actor:
    """The actor behind an Authorization header. Raises NotAuthenticated."""
    scheme, _, secret = header.partition(" ")
    if scheme.lower() != "bearer" or not secret.startswith("bf_"):
        raise NotAuthenticated
    key = find_api_key(secret.strip())
    if key is None:
        raise NotAuthenticated("This API key is unknown, expired or revoked.")
    return key_actor(key)


class ApiKeyAuthentication(BaseAuthentication):
    """Sets `request.user` (may be None) and `request.auth`, the Actor."""

    def authenticate(self, request: Request) -> tuple[User | None, Actor]:
        actor = actor_from_header(request.headers.get("Authorization", ""))
        return actor.user, actor

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class HasApiKey(BasePermission):
    def has_permission(self, request: Request, view: APIView) -> bool:
        return isinstance(request.auth, Actor)


def actor_of(request: Request) -> Actor:
    """The actor that HasApiKey let in. Raises NotAuthenticated."""
    if not isinstance(request.auth, Actor):
        raise NotAuthenticated
    return request.auth
