"""Takes out of a page what readers do not see and what is not its content."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from ingestion.extraction.decoding import clean_text
from ingestion.extraction.stylesheets import hidden_by_stylesheets

Element = Any  # lxml carries no types

_NEVER_TEXT = (
    "script", "style", "template", "noscript", "iframe", "object", "embed", "svg", "math-field",
    "canvas", "audio", "video", "select", "button", "input", "textarea", "dialog", "rt", "rp",
)  # fmt: skip
_CHROME = ("nav", "aside", "footer")
_CHROME_IDS = frozenset({"sidebar", "footer", "footer-text", "breadcrumbs", "global-nav"})
_CHROME_ROLES = frozenset({"navigation", "search", "banner", "contentinfo", "complementary"})
_CHROME_CLASS = re.compile(
    r"(?:^|\s)(?:sphinxsidebar\S*|navheader|navfooter|related|breadcrumbs?|toc|table-of-contents|cookie\S*|sidebar"
    r"|edit-(?:this-)?page|pagination(?:-nav\S*)?|prev-next\S*)(?:\s|$)",
    re.IGNORECASE,
)
# Documentation makers put notes and footnotes into elements meant for side remarks.
_REMARK_CLASS = re.compile(r"footnote|admonition|callout|topic|\b(?:note|tip|warning)\b", re.I)
_AID_CLASS = re.compile(
    r"(?:^|\s)(?:headerlink|hash-link|header-anchor|anchor-link|anchorjs-link|skip-link|sr-only"
    r"|visually-?hidden|screen-reader-text|copybtn|copy-(?:btn|button|code)\S*|clipboard\S*)(?:\s|$)",
    re.IGNORECASE,
)
_LINE_NUMBERS = re.compile(
    r"(?:^|\s)(?:linenos?|line-?numbers?(?:-rows)?|gutter|hljs-ln-numbers|blob-num|lnt|ln)(?:\s|$)",
    re.IGNORECASE,
)
_NUMBERS_ONLY = re.compile(r"[\d\s.:|]*")
_HIDDEN_STYLE = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*(?:0|1px)(?![.\d]*[1-9])"
    r"|opacity\s*:\s*(?:0?\.0\d|0(?![.\d]*[1-9]))|text-indent\s*:\s*-\d{3,}|clip\s*:\s*rect\(0"
    r"|clip-path\s*:\s*inset\((?:50|100)%|(?<![\w-])(?:left|top|margin-left)\s*:\s*-\d{4,}"
    r"|(?<![\w-])color\s*:\s*(?:transparent|rgba\([^)]*,\s*0?\.?0+\s*\))",
    re.IGNORECASE,
)
_NO_HEIGHT = re.compile(
    r"(?<![\w-])(?:max-)?(?:height|width)\s*:\s*0(?![.\d]*[1-9])", re.IGNORECASE
)
_CLIPPED = re.compile(r"overflow[\w-]*\s*:\s*hidden", re.IGNORECASE)
_COLOURS = re.compile(r"(?<![\w-])(color|background(?:-color)?)\s*:\s*([^;!]+)", re.IGNORECASE)
_WHITE = frozenset({"#fff", "#ffffff", "white", "rgb(255,255,255)", "rgba(255,255,255,1)"})


def drop_unseen(root: Element) -> None:
    """Removes hidden elements and those that never hold text, in place."""
    hidden = hidden_by_stylesheets(root)
    drop_elements(list(root.iter(*_NEVER_TEXT)))
    doomed = list(filter(_is_hidden, root.xpath("//*[@hidden or @aria-hidden or @style]")))
    for element in root.iter():
        if (name := element.get("class")) and (aid := _aid_named(name)) and _is_aid(element, aid):
            doomed.append(element)
    drop_elements([*doomed, *hidden])


def drop_chrome(main: Element) -> None:
    """Removes navigation and side bars from the main element, in place."""
    doomed = list(main.iter(*_CHROME))
    for element in main.iter():
        if (
            ((name := element.get("class")) and _is_chrome_class(name))
            or element.get("id") in _CHROME_IDS
            or element.get("role") in _CHROME_ROLES
        ):
            doomed.append(element)
    drop_elements(one for one in doomed if one is not main and not _is_remark(one))


def drop_elements(elements: Iterable[Element]) -> None:
    """Removes each element that still has a parent."""
    for element in elements:
        if element.getparent() is not None:
            drop_element(element)


def drop_element(element: Element) -> None:
    """Removes the element with all that it holds; the text after it stays."""
    parent, before, tail = element.getparent(), element.getprevious(), element.tail
    if tail:
        left = parent.text if before is None else before.tail
        joined = f"{left}{tail}" if left else tail
        try:
            _write(parent, before, joined)
        except ValueError:  # the parser lets control characters in, but takes none back
            _write(parent, before, clean_text(joined))
    parent.remove(element)


def _write(parent: Element, before: Element | None, text: str) -> None:
    if before is None:
        parent.text = text
    else:
        before.tail = text


def _is_remark(element: Element) -> bool:
    if element.tag == "footer":
        return any(True for _ in element.iterancestors("blockquote"))
    return element.tag == "aside" and bool(_REMARK_CLASS.search(element.get("class") or ""))


def _is_hidden(element: Element) -> bool:
    if element.get("aria-hidden", "").lower() == "true":
        return True
    # Panels behind tabs are hidden until chosen, but they are meant to be read; so is what the
    # browser's own search may open.
    hidden = element.get("hidden")
    if hidden is not None and hidden != "until-found" and element.get("role") != "tabpanel":
        return True
    style = element.get("style")
    return bool(style) and _hides(style, element)


def _hides(style: str, element: Element) -> bool:
    if _HIDDEN_STYLE.search(style):
        return "background-clip" not in style  # letters cut out of a picture
    if _NO_HEIGHT.search(style) and _CLIPPED.search(style):
        return True
    return _is_one_colour(style, element)


def _is_one_colour(style: str, element: Element) -> bool:
    """True for text in the colour of its background, or in white with no background at all."""
    found = _COLOURS.findall(style)
    colours = {name.lower(): value.replace(" ", "").lower() for name, value in found}
    text = colours.pop("color", "")
    if not text:
        return False
    if text in colours.values():
        return True
    return text in _WHITE and not colours and not _stands_on_colour(element)


def _stands_on_colour(element: Element) -> bool:
    return any("background" in (one.get("style") or "") for one in element.iterancestors())


@lru_cache(maxsize=20_000)
def _is_chrome_class(class_name: str) -> bool:
    return bool(_CHROME_CLASS.search(class_name))


@lru_cache(maxsize=20_000)
def _aid_named(class_name: str) -> str:
    """What a class says about an element that is no text of its own: "aid", "numbers" or ""."""
    if _AID_CLASS.search(class_name):
        return "aid"
    return "numbers" if _LINE_NUMBERS.search(class_name) else ""


def _is_aid(element: Element, name: str) -> bool:
    """True for what helps those who read with other means: anchors, copy buttons, line numbers."""
    if name == "aid":
        return True
    # The same class marks a whole listing whose lines are numbered.
    is_inside = element.tag not in ("pre", "code", "body")
    return is_inside and _NUMBERS_ONLY.fullmatch("".join(element.itertext())) is not None
