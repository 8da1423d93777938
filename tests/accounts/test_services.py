from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth import user_logged_in
from django.utils import timezone

from botfactory.accounts import services
from botfactory.accounts.access import Actor, key_actor, member_actor
from botfactory.accounts.errors import InvitationInvalid, LastOwner, LoginLinkInvalid
from botfactory.accounts.login_links import login_path, user_for_link
from botfactory.accounts.models import ApiKey, AuditEvent, Membership, Role, User, Workspace
from botfactory.errors import NotFound, PermissionDenied

pytestmark = pytest.mark.django_db


def test_an_outsider_does_not_find_the_workspace(workspace: Workspace, charlie: User) -> None:
    with pytest.raises(NotFound):
        member_actor(charlie, workspace_slug=workspace.slug)


def test_too_little_role_is_refused(workspace: Workspace, bob: User) -> None:
    assert member_actor(bob, workspace_slug=workspace.slug).role == Role.VIEWER
    with pytest.raises(PermissionDenied):
        member_actor(bob, workspace_slug=workspace.slug, role=Role.EDITOR)


def test_the_first_owner_is_made_once() -> None:
    first = services.ensure_first_owner()
    assert services.ensure_first_owner() == first
    assert Workspace.objects.count() == 1
    assert not first.has_usable_password()


def test_an_invitation_is_for_one_address_once(owner: Actor, charlie: User) -> None:
    _, secret = services.invite_member(actor=owner, email="Dora@example.com", role=Role.EDITOR)
    with pytest.raises(InvitationInvalid):
        services.accept_invitation(user=charlie, secret=secret)
    dora = User.objects.create_user("dora@example.com")
    assert services.accept_invitation(user=dora, secret=secret).role == Role.EDITOR
    with pytest.raises(InvitationInvalid):
        services.accept_invitation(user=dora, secret=secret)


def test_an_old_invitation_is_refused(owner: Actor) -> None:
    invitation, secret = services.invite_member(
        actor=owner, email="dora@example.com", role=Role.VIEWER
    )
    invitation.expires_at = timezone.now() - timedelta(seconds=1)
    invitation.save()
    with pytest.raises(InvitationInvalid):
        services.accept_invitation(user=User.objects.create_user("dora@example.com"), secret=secret)


def test_nobody_gives_a_role_above_their_own(workspace: Workspace, bob: User) -> None:
    admin = Actor(workspace, Role.ADMIN, bob)
    with pytest.raises(PermissionDenied):
        services.invite_member(actor=admin, email="x@example.com", role=Role.OWNER)
    bobs = Membership.objects.get(user=bob)
    with pytest.raises(PermissionDenied):
        services.change_member_role(actor=admin, member_id=bobs.pk, role=Role.OWNER)


def test_the_last_owner_stays(owner: Actor, alice: User, bob: User) -> None:
    alices, bobs = Membership.objects.get(user=alice), Membership.objects.get(user=bob)
    with pytest.raises(LastOwner):
        services.remove_member(actor=owner, member_id=alices.pk)
    with pytest.raises(LastOwner):
        services.change_member_role(actor=owner, member_id=alices.pk, role=Role.VIEWER)
    services.change_member_role(actor=owner, member_id=bobs.pk, role=Role.OWNER)
    services.remove_member(actor=owner, member_id=alices.pk)
    assert not Membership.objects.filter(user=alice).exists()


def test_a_member_of_another_workspace_is_not_found(owner: Actor, charlie: User) -> None:
    charlies = Membership.objects.get(user=charlie)
    with pytest.raises(NotFound):
        services.remove_member(actor=owner, member_id=charlies.pk)


def test_a_removed_member_loses_their_keys(owner: Actor, workspace: Workspace, bob: User) -> None:
    editor = Actor(workspace, Role.EDITOR, bob)
    _, secret = services.create_api_key(actor=editor, name="bob's", scopes=["read"])
    assert services.find_api_key(secret) is not None
    services.remove_member(actor=owner, member_id=Membership.objects.get(user=bob).pk)
    assert services.find_api_key(secret) is None


def test_a_key_is_kept_as_a_hash(owner: Actor) -> None:
    key, secret = services.create_api_key(actor=owner, name="k", scopes=["read"])
    assert secret.startswith("bf_")
    stored = " ".join(str(value) for value in ApiKey.objects.values_list().get())
    assert secret not in stored
    found = services.find_api_key(secret)
    assert found == key
    assert services.find_api_key(secret + "x") is None


def test_a_key_ends_when_it_expires_or_is_revoked(owner: Actor) -> None:
    past = timezone.now() - timedelta(seconds=1)
    _, expired = services.create_api_key(actor=owner, name="k", scopes=[], expires_at=past)
    assert services.find_api_key(expired) is None
    key, secret = services.create_api_key(actor=owner, name="k", scopes=[])
    services.revoke_api_key(actor=owner, key_id=str(key.pk))
    assert services.find_api_key(secret) is None


def test_a_key_acts_within_its_scopes(owner: Actor) -> None:
    key, _ = services.create_api_key(actor=owner, name="k", scopes=["chat"])
    actor = key_actor(key)
    actor.require_scope(ApiKey.Scope.CHAT)
    with pytest.raises(PermissionDenied):
        actor.require_scope(ApiKey.Scope.WRITE)
    with pytest.raises(PermissionDenied):
        actor.require(Role.ADMIN)


def test_changes_leave_an_audit_trail(owner: Actor) -> None:
    services.invite_member(actor=owner, email="x@example.com", role=Role.VIEWER)
    event = AuditEvent.objects.get(action="member.invite")
    assert event.actor == owner.user
    assert event.data == {"email": "x@example.com", "role": "viewer"}


def test_a_login_link_works_once(alice: User) -> None:
    *_, user_id, token, _ = login_path(alice).split("/")
    assert user_for_link(alice.pk, token) == alice
    assert str(alice.pk) == user_id
    user_logged_in.send(sender=User, request=None, user=alice)
    with pytest.raises(LoginLinkInvalid):
        user_for_link(alice.pk, token)


def test_a_login_link_is_for_one_user(alice: User, charlie: User) -> None:
    token = login_path(alice).split("/")[-2]
    with pytest.raises(LoginLinkInvalid):
        user_for_link(charlie.pk, token)


def test_only_an_admin_gives_a_key_the_engines(workspace: Workspace, bob: User) -> None:
    editor = Actor(workspace, Role.EDITOR, bob)
    with pytest.raises(PermissionDenied):
        services.create_api_key(actor=editor, name="CI", scopes=["read", "engines"])
    assert services.create_api_key(actor=editor, name="CI", scopes=["read"])
    admin = Actor(workspace, Role.ADMIN, bob)
    assert services.create_api_key(actor=admin, name="CI", scopes=["engines"])


def test_an_admin_who_becomes_an_editor_leaves_no_key_with_the_engines(
    owner: Actor, workspace: Workspace, bob: User
) -> None:
    member = Membership.objects.get(workspace=workspace, user=bob)
    services.change_member_role(actor=owner, member_id=member.pk, role=Role.ADMIN)
    admin = Actor(workspace, Role.ADMIN, bob)
    key, _ = services.create_api_key(actor=admin, name="CI", scopes=["read", "engines"])
    mine, _ = services.create_api_key(actor=owner, name="mine", scopes=["engines"])
    services.change_member_role(actor=owner, member_id=member.pk, role=Role.EDITOR)
    key.refresh_from_db()
    mine.refresh_from_db()
    assert key.scopes == ["read"]
    assert mine.scopes == ["engines"]
