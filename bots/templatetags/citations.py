"""Where the citations of a message lead."""

from __future__ import annotations

from django import template

from bots.answering.citation_links import link_for
from bots.models import Citation

register = template.Library()


@register.filter
def passage_link(citation: Citation) -> str:
    """The address that opens the passage, "" where no browser can."""
    return link_for(citation.url, citation.page, citation.text)
