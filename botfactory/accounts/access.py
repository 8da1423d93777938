"""The door to a workspace. Another workspace's object is 404, too little role 403."""

from __future__ import annotations

from dataclasses import dataclass

from botfactory.accounts.models import ApiKey, Membership, Role, User, Workspace
from botfactory.errors import NotFound, PermissionDenied


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks: a member of the workspace, or a program with one of its keys."""

    workspace: Workspace
    role: Role
    user: User | None
    scopes: frozenset[str] | None = None

    def require(self, role: Role) -> None:
        """Raises PermissionDenied when the actor's role is below `role`."""
        if not self.role.allows(role):
            raise PermissionDenied(subject=str(self.workspace.pk))

    @property
    def is_operator(self) -> bool:
        """Whether the actor looks after the server itself. A key never does."""
        return self.scopes is None and self.user is not None and self.user.is_operator

    def require_operator(self) -> None:
        """Raises PermissionDenied for everybody but an operator of the server."""
        if not self.is_operator:
            raise PermissionDenied("Only the operator of this server may change this.")

    def require_scope(self, scope: ApiKey.Scope) -> None:
        """Raises PermissionDenied when the actor is a key without `scope`."""
        if self.scopes is not None and scope.value not in self.scopes:
            raise PermissionDenied(f"This API key lacks the scope '{scope.value}'.")


def member_actor(user: User, *, workspace_slug: str, role: Role = Role.VIEWER) -> Actor:
    """The user as a member of that workspace. Raises NotFound, PermissionDenied."""
    membership = (
        Membership.objects.select_related("workspace")
        .filter(user=user, workspace__slug=workspace_slug)
        .first()
    )
    if membership is None:
        raise NotFound(subject=workspace_slug)
    actor = Actor(membership.workspace, Role(membership.role), user)
    actor.require(role)
    return actor


def key_actor(key: ApiKey) -> Actor:
    """A key acts with an editor's role, narrowed by its scopes."""
    return Actor(key.workspace, Role.EDITOR, key.created_by, frozenset(key.scopes))
