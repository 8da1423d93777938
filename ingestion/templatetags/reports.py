"""Reasons and durations in words, for pages about runs."""

from __future__ import annotations

from django import template

from ingestion.models import IngestionRun
from ingestion.reports import explain

register = template.Library()
register.filter("explain", explain)


@register.filter
def duration(run: IngestionRun) -> str:
    """How long an ended run took, such as "3 min 12 s"; empty while it runs."""
    if run.finished_at is None:
        return ""
    seconds = max(0, round((run.finished_at - run.started_at).total_seconds()))
    minutes, hours = seconds // 60 % 60, seconds // 3600
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds % 60} s" if minutes else f"{seconds} s"
