"""Reasons in words, for the crawl report."""

from __future__ import annotations

from django import template

from ingestion.reports import explain

register = template.Library()
register.filter("explain", explain)
