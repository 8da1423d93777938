"""Pages about people: login links, workspaces, members, invitations, API keys."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods, require_POST

from botfactory.accounts import selectors, services
from botfactory.accounts.access import Actor, member_actor
from botfactory.accounts.adapter import INVITATION_SESSION_KEY
from botfactory.accounts.context import SESSION_KEY
from botfactory.accounts.errors import LastOwner
from botfactory.accounts.forms import (
    ApiKeyForm,
    InvitationForm,
    RoleForm,
    WorkspaceForm,
    roles_up_to,
)
from botfactory.accounts.invitations import mail_invitation, open_invitation
from botfactory.accounts.login_links import user_for_link
from botfactory.accounts.models import Role
from botfactory.accounts.requests import MemberRequest
from botfactory.errors import InvalidInput

read_or_post = require_http_methods(["GET", "HEAD", "POST"])


def posted(request: HttpRequest) -> QueryDict | None:
    """What was sent with a POST, empty or not; None leaves a form unbound."""
    return request.POST if request.method == "POST" else None


@login_not_required
@read_or_post
def login_link(request: HttpRequest, user_id: UUID, token: str) -> HttpResponse:
    """A button that logs in: opening the link alone must not use it up, as link previews would."""
    if request.user.is_authenticated and request.user.pk == user_id:
        return redirect("bots:list")
    user = user_for_link(user_id, token)
    if request.method == "POST":
        login(request, user, backend="django.contrib.auth.backends.ModelBackend")
        return redirect("bots:list")
    return render(request, "accounts/login_link.html", {"link_user": user})


@read_or_post
def workspace_create(request: MemberRequest) -> HttpResponse:
    form = WorkspaceForm(posted(request))
    if form.is_valid():
        workspace = services.create_workspace(name=form.cleaned_data["name"], owner=request.user)
        request.session[SESSION_KEY] = workspace.slug
        messages.success(request, f"The workspace “{workspace.name}” is ready.")
        return redirect("bots:list")
    return render(request, "accounts/workspace_create.html", {"form": form})


@require_POST
def workspace_switch(request: MemberRequest, slug: str) -> HttpResponse:
    actor = member_actor(request.user, workspace_slug=slug)
    request.session[SESSION_KEY] = actor.workspace.slug
    return redirect("bots:list")


@read_or_post
def members(request: MemberRequest, slug: str) -> HttpResponse:
    """Everybody may look; an admin invites, and sees the invitation's link on this answer alone."""
    needed = Role.ADMIN if request.method == "POST" else Role.VIEWER
    actor = member_actor(request.user, workspace_slug=slug, role=needed)
    form = InvitationForm(posted(request), actor=actor)
    context: dict[str, object] = {"form": form}
    if form.is_valid():
        invitation, secret = services.invite_member(
            actor=actor, email=form.cleaned_data["email"], role=Role(form.cleaned_data["role"])
        )
        link = request.build_absolute_uri(reverse("accounts:invitation", args=[secret]))
        is_mailed = mail_invitation(invitation, link=link)
        context = {"new_invitation": invitation, "link": link, "is_mailed": is_mailed}
        context["form"] = InvitationForm(actor=actor)
    return _members_page(request, actor, context)


def _members_page(request: HttpRequest, actor: Actor, context: dict[str, object]) -> HttpResponse:
    page = {
        "actor": actor,
        "members": selectors.members_of(actor.workspace),
        "invitations": selectors.open_invitations(actor.workspace),
        "roles": roles_up_to(actor),
        "role_hints": _ROLE_HINTS,
        "now": timezone.now(),
    }
    return render(request, "accounts/members.html", page | context)


_ROLE_HINTS = {
    Role.OWNER.label: "Everything, and can name other owners.",
    Role.ADMIN.label: "Everything editors do, plus members, engines and revoking API keys.",
    Role.EDITOR.label: "Creates and changes bots, sources and API keys.",
    Role.VIEWER.label: "Looks at bots, sources and conversations.",
}


@require_POST
def member_role(request: MemberRequest, slug: str, member_id: int) -> HttpResponse:
    actor = member_actor(request.user, workspace_slug=slug, role=Role.ADMIN)
    form = RoleForm(request.POST)
    if not form.is_valid():
        raise InvalidInput("Choose one of the roles in the list.")
    role = Role(form.cleaned_data["role"])
    try:
        member = services.change_member_role(actor=actor, member_id=member_id, role=role)
    except LastOwner as exc:
        messages.error(request, exc.public_message)
    else:
        messages.success(request, f"{member.user.email} is now {role.label.lower()}.")
    return redirect("accounts:members", slug)


@require_POST
def member_remove(request: MemberRequest, slug: str, member_id: int) -> HttpResponse:
    """Removes a member, or lets anybody leave."""
    actor = member_actor(request.user, workspace_slug=slug)
    try:
        services.remove_member(actor=actor, member_id=member_id)
    except LastOwner as exc:
        messages.error(request, exc.public_message)
        return redirect("accounts:members", slug)
    if not selectors.members_of(actor.workspace).filter(user=request.user).exists():
        messages.success(request, f"You have left “{actor.workspace.name}”.")
        return redirect("bots:list")
    messages.success(request, "The member and the member's API keys are gone.")
    return redirect("accounts:members", slug)


@login_not_required
@read_or_post
def invitation(request: HttpRequest, secret: str) -> HttpResponse:
    """Accepts an invitation; people without an account are sent to sign up and come back here."""
    offer = open_invitation(secret)
    if not request.user.is_authenticated:
        request.session[INVITATION_SESSION_KEY] = secret
        return redirect(f"{reverse('account_signup')}?{urlencode({'next': request.path})}")
    request.session.pop(INVITATION_SESSION_KEY, None)
    if request.method == "POST":
        member = services.accept_invitation(user=request.user, secret=secret)
        request.session[SESSION_KEY] = member.workspace.slug
        messages.success(request, f"Welcome to “{member.workspace.name}”.")
        return redirect("bots:list")
    is_mine = offer.email == request.user.email.lower()
    return render(request, "accounts/invitation.html", {"offer": offer, "is_mine": is_mine})


@read_or_post
def api_keys(request: MemberRequest, slug: str) -> HttpResponse:
    """The workspace's keys. A new key is shown on the answer that made it, and never again."""
    needed = Role.EDITOR if request.method == "POST" else Role.VIEWER
    actor = member_actor(request.user, workspace_slug=slug, role=needed)
    form = ApiKeyForm(posted(request), actor=actor)
    new_key, secret = None, ""
    if form.is_valid():
        new_key, secret = services.create_api_key(
            actor=actor,
            name=form.cleaned_data["name"],
            scopes=form.cleaned_data["scopes"],
            expires_at=form.cleaned_data["expires_on"],
        )
        form = ApiKeyForm(actor=actor)
    keys = selectors.api_keys_of(actor.workspace)
    context = {"actor": actor, "form": form, "keys": keys, "new_key": new_key, "secret": secret}
    context["now"] = timezone.now()
    return render(request, "accounts/api_keys.html", context)


@require_POST
def api_key_revoke(request: MemberRequest, slug: str, key_id: UUID) -> HttpResponse:
    actor = member_actor(request.user, workspace_slug=slug, role=Role.ADMIN)
    services.revoke_api_key(actor=actor, key_id=str(key_id))
    messages.success(request, "The key is revoked. Programs that use it are refused from now on.")
    return redirect("accounts:api-keys", slug)
