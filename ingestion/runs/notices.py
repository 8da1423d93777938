"""Mails to the owners of a workspace about a refresh that needs a person.

A lasting trouble is told once: the run before it must have been without it.
"""

from __future__ import annotations

import logging

from django.conf import settings
from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from botfactory.accounts.models import Membership, Role
from ingestion.models import IngestionRun, Source

logger = logging.getLogger(__name__)

Status = IngestionRun.Status


class NoticeNotSent(Exception):
    """The mail server did not take the message; trying again may help."""


def tell_owners(run_id: str) -> None:
    """Sends the run's notice, if it calls for one that was not sent yet. Raises NoticeNotSent."""
    run = (
        IngestionRun.objects.select_related("source__bot__workspace")
        .filter(pk=run_id, told_at=None, source__deleted_at=None)
        .first()
    )
    if run is None or not _is_news(run):
        return
    claim = IngestionRun.objects.filter(pk=run.pk, told_at=None)
    if not claim.update(told_at=timezone.now()):
        return
    try:
        _send(run)
    except OSError as exc:  # every smtplib and socket error is one
        IngestionRun.objects.filter(pk=run.pk).update(told_at=None)
        logger.warning("notice_failed", extra={"run_id": str(run.pk)})
        raise NoticeNotSent from exc


def _is_news(run: IngestionRun) -> bool:
    """True for held pages, and for a refresh that failed while nobody was watching."""
    has_failed = run.status == Status.FAILED and run.trigger == IngestionRun.Trigger.SCHEDULED
    if not has_failed and not run.n_held:
        return False
    earlier = run.source.runs.filter(started_at__lt=run.started_at).order_by("-started_at").first()
    if earlier is None:
        return True
    return earlier.n_held == 0 if run.n_held else earlier.status != Status.FAILED


def _send(run: IngestionRun) -> None:
    source, bot = run.source, run.source.bot
    owners = Membership.objects.filter(
        workspace=bot.workspace, role=Role.OWNER, user__is_active=True
    ).values_list("user__email", flat=True)
    context = {"run": run, "source": source, "bot": bot, "link": _link(source)}
    name = " ".join(source.name.split())[:100]
    subject = (
        f"{run.n_held} pages of {name} vanished" if run.n_held else f"{name} was not refreshed"
    )
    message = render_to_string("ingestion/run_notice_mail.txt", context)
    for address in owners:  # one by one: owners need not see each other's address
        send_mail(subject=subject, message=message, from_email=None, recipient_list=[address])


def _link(source: Source) -> str:
    """The address of the source's report; empty where the server does not know its own."""
    if not settings.BOTFACTORY_PUBLIC_URL:
        return ""
    path = reverse("ingestion:source-detail", args=[source.bot_id, source.pk])
    return f"{settings.BOTFACTORY_PUBLIC_URL}{path}"
