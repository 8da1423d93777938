"""What the owner of a source can do about pages that were left out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Action(StrEnum):
    """Where the remedy is: a button that reads the pages again, a page of the dashboard, or out of
    the dashboard's reach."""

    RETRY = "retry"
    SETTINGS = "settings"
    NONE = ""


@dataclass(frozen=True, slots=True)
class Remedy:
    text: str
    action: Action = Action.NONE


_RETRY_LATER = Remedy("This often passes: try again in a few minutes.", Action.RETRY)
_PASTE = "Paste its text as a source of its own, or upload it as a file."
_SPLIT = Remedy("Upload it as a file, in smaller parts.")

REMEDIES: dict[str, Remedy | None] = {
    "robots": Remedy("If the site is yours, allow this server's crawler in its robots.txt."),
    "robots_unavailable": None,
    "noindex": Remedy(f"If the site is yours, remove the page's noindex mark. {_PASTE}"),
    "off_scope": Remedy(
        "To read it too, widen the path prefix, allow subdomains, or add it as a source.",
        Action.SETTINGS,
    ),
    "excluded": Remedy("Change the include and exclude patterns to read it.", Action.SETTINGS),
    "over_budget": Remedy("Raise the page limit to read more.", Action.SETTINGS),
    "over_time": Remedy("Try these pages again.", Action.RETRY),
    "depth": Remedy("Raise the number of clicks to reach it.", Action.SETTINGS),
    "duplicate": None,
    "trap": Remedy("If the page matters, add its address as a source of its own."),
    "login_page": Remedy(_PASTE),
    "captcha": Remedy(f"If the site is yours, let this server's crawler through. {_PASTE}"),
    "consent_wall": Remedy(f"If the site is yours, show programs the text. {_PASTE}"),
    "not_found_page": Remedy("If the site is yours, correct the link that leads there."),
    "javascript_only": Remedy("The switch is under", Action.SETTINGS),
    "gone": Remedy("If the site is yours, correct the link that leads there."),
    "forbidden": Remedy(f"If the site is yours, let this server's crawler through. {_PASTE}"),
    "busy": None,
    "http_status": _RETRY_LATER,
    "type": Remedy("If it holds text, save it as a PDF and upload that."),
    "too_complex": Remedy(_PASTE),
    "too_large": _SPLIT,
    "timeout": _RETRY_LATER,
    "dns": Remedy("Check the address for typing errors; then try again.", Action.RETRY),
    "connect": _RETRY_LATER,
    "tls": Remedy("The site's owner has to renew the certificate; then try again.", Action.RETRY),
    "broken": _RETRY_LATER,
    "redirect_loop": Remedy("Open it in a browser, and add the address at which you end."),
    "url_not_allowed": Remedy("The operator of this server can open private networks."),
    "url_invalid": Remedy("If the site is yours, correct the link."),
    "held": None,  # has a notice with buttons of its own
    "cancelled": Remedy("Read the source again.", Action.RETRY),
    "link_list": None,
    "too_thin": Remedy(
        "If scripts build the page, turn on JavaScript rendering. Otherwise paste its text.",
        Action.SETTINGS,
    ),
    "extraction_timeout": Remedy("Try again when the server is less busy.", Action.RETRY),
    "extraction_crashed": Remedy("Try again when the server is less busy.", Action.RETRY),
    "indexing_failed": Remedy("Try again.", Action.RETRY),
}
"""Per reason of the crawler or code of an error; None where there is nothing to do, or where the
sentence says it already, as the messages of errors do that are not listed."""

# The rules of the source decide about these: reading them again would end the same way.
_SETTLED_BY_RULES = frozenset(
    {"off_scope", "excluded", "over_budget", "depth", "duplicate", "trap", "url_invalid", "type"}
)


def remedy_for(reason: str) -> Remedy | None:
    return REMEDIES.get(reason)


def is_worth_retrying(reason: str) -> bool:
    """False where only other settings, not another attempt, would change the verdict."""
    return reason not in _SETTLED_BY_RULES
