"""Elements that a page's own `<style>` blocks hide by a plain class or id.

No cascade is computed. Only rules outside of `@media` whose selector is one class or one id count,
and only when little of the page is hidden by them: what a script reveals later (tabs, accordions,
pages that fade in) is hidden the same way and is meant to be read.
"""

from __future__ import annotations

import re
from typing import Any

MAX_HIDDEN_SHARE = 0.3
MAX_HIDDEN_ELEMENTS = 1_000
_MAX_CSS_CHARS = 500_000

_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_HIDES = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|text-indent\s*:\s*-\d{3,}"
    r"|(?<![\w-])(?:left|top)\s*:\s*-\d{4,}",
    re.IGNORECASE,
)
_NO_SIZE = re.compile(r"font-size\s*:\s*0(?![.\d]*[1-9])", re.IGNORECASE)
_COLOURS = re.compile(r"(?<![\w-])(color|background(?:-color)?)\s*:\s*([^;!]+)", re.IGNORECASE)
_SIMPLE = re.compile(r"[a-z0-9]*([.#])([\w-]+)", re.IGNORECASE)
# Names of what opens when it is clicked.
_OPENS = re.compile(
    r"tab|accordion|collaps|panel|faq|answer|toggle|content|expand|more|detail|slide|carousel|step"
    r"|item|answer|body|text",
    re.IGNORECASE,
)


def hidden_by_stylesheets(root: Any) -> list[Any]:
    """The elements under `root` that its style blocks hide; none where they hide much of it."""
    css = "\n".join(one.text for one in root.iter("style") if one.text)
    if not css or len(css) > _MAX_CSS_CHARS:
        return []
    names = _hidden_names(css)
    if not names:
        return []
    found = [one for one in root.xpath("//*[@class or @id]") if _is_named(one, names)]
    if not found or len(found) > MAX_HIDDEN_ELEMENTS:
        return []
    n_hidden = sum(_n_chars(one) for one in found)
    body = root.find("body")
    return found if body is not None and n_hidden < MAX_HIDDEN_SHARE * _n_chars(body) else []


def _hidden_names(css: str) -> dict[str, bool]:
    """Selectors (`.class`, `#id`) of what is hidden; true for those that hide only text itself."""
    if "/*" in css:
        css = _COMMENT.sub("", css)
    names: dict[str, bool] = {}
    is_nested = False
    for rule in css.split("}"):
        n_open = rule.count("{")
        if n_open == 1 and not is_nested:
            selectors, _, style = rule.partition("{")
            if (hides := _hides(style)) is not None:
                names.update(dict.fromkeys(_simple_selectors(selectors), hides))
        elif n_open > 1:
            is_nested = True
        elif n_open == 0:
            is_nested = False
    return names


def _hides(style: str) -> bool | None:
    """None for a rule that hides nothing; true for one that hides text but no child elements."""
    # Style sheets are long, and these tests cost less than the searches.
    style = style.lower()
    if ("none" in style or "hidden" in style or ":-" in style or ": -" in style) and _HIDES.search(
        style
    ):
        return False
    if "font-size" in style and _NO_SIZE.search(style):
        return True
    if "color" not in style or "background" not in style:
        return None
    colours = dict(_COLOURS.findall(style.replace(" ", "")))
    text = colours.pop("color", None)
    return True if text is not None and text in colours.values() else None


def _simple_selectors(selectors: str) -> list[str]:
    found = (_SIMPLE.fullmatch(one.strip()) for one in selectors.split(","))
    return [one[1] + one[2] for one in found if one and not _OPENS.search(one[2])]


def _is_named(element: Any, names: dict[str, bool]) -> bool:
    own = [f".{name}" for name in element.get("class", "").split()] + [f"#{element.get('id')}"]
    hits = [names[one] for one in own if one in names]
    return (
        bool(hits) and (len(element) == 0 or not all(hits)) and element.tag not in ("html", "body")
    )


def _n_chars(element: Any) -> int:
    return sum(len(text.strip()) for text in element.itertext())
