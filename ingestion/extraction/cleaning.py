"""Takes out of a page what readers do not see and what is not its content."""

from __future__ import annotations

import re

from lxml.html import HtmlElement

_NEVER_TEXT = (
    "script", "style", "template", "noscript", "iframe", "object", "embed", "svg", "math-field",
    "canvas", "audio", "video", "select", "button", "input", "textarea", "dialog",
)  # fmt: skip
_CHROME = ("nav", "aside", "footer")
_CHROME_ROLES = frozenset({"navigation", "search", "banner", "contentinfo", "complementary"})
_CHROME_CLASS = re.compile(
    r"(?:^|\s)(?:headerlink|sphinxsidebar\S*|related|breadcrumbs?|toc|table-of-contents|linenos"
    r"|lineno|copybtn|skip-link|visually-hidden|sr-only|cookie\S*|sidebar|edit-(?:this-)?page"
    r"|pagination(?:-nav\S*)?|hash-link|anchor-link|prev-next\S*)(?:\s|$)",
    re.IGNORECASE,
)
_HIDDEN_STYLE = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0(?![.\d]*[1-9])"
    r"|opacity\s*:\s*0(?![.\d]*[1-9])|text-indent\s*:\s*-\d{3,}|clip\s*:\s*rect\(0",
    re.IGNORECASE,
)
_COLOURS = re.compile(r"(?<![\w-])(color|background(?:-color)?)\s*:\s*([^;!]+)", re.IGNORECASE)
_WHITE = frozenset({"#fff", "#ffffff", "white", "rgb(255,255,255)"})


def drop_unseen(root: HtmlElement) -> None:
    """Removes hidden elements and those that never hold text, in place."""
    doomed = list(root.iter(*_NEVER_TEXT))
    for element in root.xpath("//*[@hidden or @aria-hidden or @style]"):
        if _is_hidden(element):
            doomed.append(element)
    _drop(doomed)


def drop_chrome(main: HtmlElement) -> None:
    """Removes navigation, side bars and anchors from the main element, in place."""
    doomed = list(main.iter(*_CHROME))
    for element in main.xpath(".//*[@role or @class]"):
        if element.get("role") in _CHROME_ROLES or _CHROME_CLASS.search(element.get("class") or ""):
            doomed.append(element)
    _drop([element for element in doomed if element is not main])


def _is_hidden(element: HtmlElement) -> bool:
    if element.get("aria-hidden", "").lower() == "true":
        return True
    # Panels behind tabs are hidden until chosen, but they are meant to be read.
    if element.get("hidden") is not None and element.get("role") != "tabpanel":
        return True
    style = element.get("style") or ""
    return bool(_HIDDEN_STYLE.search(style)) or _is_one_colour(style)


def _is_one_colour(style: str) -> bool:
    """True for text in the colour of its background, or in white with no background at all."""
    found = _COLOURS.findall(style)
    colours = {name.lower(): value.replace(" ", "").lower() for name, value in found}
    text = colours.pop("color", "")
    return bool(text) and (text in colours.values() or (text in _WHITE and not colours))


def _drop(elements: list[HtmlElement]) -> None:
    for element in elements:
        if element.getparent() is not None:
            element.drop_tree()
