"""The main text of a page that does not say where it is: news, blogs, product pages.

What counts is prose: text outside links in blocks long enough to be sentences. Elements named after
what surrounds articles go first, then the element is chosen that holds the prose, then lists of
links inside it go. Each step spares what holds too much of the prose to be furniture, whatever it
is called, and the text that is left is returned with its structure.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from ingestion.extraction.cleaning import drop_chrome, drop_element, drop_elements
from ingestion.extraction.counting import count_text
from ingestion.extraction.furniture import Furniture, furniture_of, is_content, words_of
from ingestion.extraction.structure import BLOCKS, to_blocks
from ingestion.extraction.trimming import trim_blocks, without_marks

Element = Any  # lxml carries no types

_MIN_PROSE_CHARS = 30
_MAX_CARD_CHARS = 600
_MAX_LINKED_BLOCK_CHARS = 2_000

_CHROME_TAGS = frozenset({"nav", "aside", "footer", "figcaption"})
_NEVER_FURNITURE = frozenset([
    "html", "body", "main", "article", "pre", "code", "td", "tr", "tbody", "table", "thead",
    "th", "h1", "h2", "h3", "em", "strong", "b", "i", "sup", "sub",
])  # fmt: skip
_MEASURED = BLOCKS | frozenset([
    "html", "body", "aside", "nav", "thead", "tbody", "tfoot", "td", "th", "caption", "label",
])  # fmt: skip
_CONTAINERS = ("div", "section", "article", "main", "td", "span")
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_LEAVES = frozenset([
    "p", "ul", "ol", "table", "tr", "blockquote", "li", "dl",
])  # fmt: skip

# A chrome element with more of the page's prose than this is no chrome.
_CHROME_SHARE = 0.4
_FURNITURE_SHARE = {Furniture.WEAK: 0.15, Furniture.STRONG: 0.6}
# Elements of one name that hold this much together are the content: slides, posts of a thread.
_GROUP_SHARE = {Furniture.WEAK: 0.5, Furniture.STRONG: 0.9}

Prose = dict[Any, int]


def extract_article(body: Element, title: str) -> str:
    """The Markdown of the article in `body`, with link marks left for `clean_text` to remove.

    Changes the tree. Empty when the page holds no prose.
    """
    prose = _measure(body)
    _drop_furniture(body, prose)
    container = _choose(body, prose)
    # A named container often wraps little more than the element that holds the text.
    container = _descend(*((container, 0.97) if container is not None else (body, 0.93)), prose)
    _drop_linked_blocks(container, prose)
    blocks = to_blocks(container)
    trimmed = trim_blocks(blocks, title)
    if sum(map(len, trimmed)) < 0.5 * prose.get(container, 0):
        trimmed = [without_marks(block) for block in blocks]
    return "\n\n".join(trimmed)


def documentation_blocks(body: Element) -> list[str]:
    """The Markdown blocks of a page by a maker of documentation that names no main part.

    Nothing inside is judged: the part is the innermost element with all the prose and headings.
    """
    drop_chrome(body)
    prose = _measure(body)
    part = body
    while True:
        n_least = 0.9 * prose.get(part, 0)
        inner = next((one for one in part if 0 < n_least <= prose.get(one, 0)), None)
        if inner is None or inner.tag in _LEAVES:
            return to_blocks(part)
        if any(_has_heading(one) for one in part if one is not inner):
            return to_blocks(part)
        part = inner


def _has_heading(element: Element) -> bool:
    """True for a heading in `element`, unless it is a link: that is the name of the site."""
    texts = [count_text(one)[one] for one in element.iter(*_HEADINGS)]
    return any(text.n_chars > text.n_linked for text in texts)


def _measure(root: Element) -> Prose:
    """How many characters of prose each block and container under `root` holds."""
    plain: Prose = {}
    linked: Prose = {}
    prose: Prose = {}
    elements = [one for one in root.iter() if isinstance(one.tag, str)]
    for element in reversed(elements):
        n_plain = len(element.text.strip()) if element.text else 0
        n_linked = n_prose = 0
        has_blocks = False
        for child in element:
            if child.tail:
                n_plain += len(child.tail.strip())
            if child in prose:
                has_blocks = True
                n_prose += prose[child]
            elif child in plain:
                n_plain += plain[child]
                n_linked += linked[child]
        if element.tag == "a":
            n_linked, n_plain = n_linked + n_plain, 0
            if has_blocks and n_prose < _MAX_CARD_CHARS:  # a teaser that is one large link
                n_linked, has_blocks = n_linked + n_prose, False
        if has_blocks or element.tag in _MEASURED:
            is_prose = n_plain >= _MIN_PROSE_CHARS and n_linked <= n_plain
            prose[element] = n_prose + (n_plain if is_prose else 0)
        else:
            plain[element], linked[element] = n_plain, n_linked
    return prose


def _drop_furniture(root: Element, prose: Prose) -> None:
    total = prose.get(root, 0)
    found = [(one, *kind) for one in root.iter() if (kind := _kind(one)) and one is not root]
    of_name: dict[str, int] = defaultdict(int)
    for element, name, _, _ in found:
        of_name[name] += prose.get(element, 0)
    for element, name, share, group_share in found:
        n_own = prose.get(element, 0)
        if n_own and (n_own > share * total or n_own > 0.8 * prose[root]):
            continue
        if n_own and of_name[name] > group_share * total:
            continue
        # What German pages call a teaser is often their own first paragraph.
        if "teaser" in name and next(element.iter("a"), None) is None:
            continue
        for ancestor in element.iterancestors():
            if n_own and ancestor in prose:
                prose[ancestor] -= n_own
        drop_element(element)


def _kind(element: Element) -> tuple[str, float, float] | None:
    """Name, and the shares of the prose up to which the element and its namesakes are furniture."""
    tag = element.tag
    if tag in _CHROME_TAGS:
        return tag, _CHROME_SHARE, _GROUP_SHARE[Furniture.WEAK]
    class_name, own_id = element.get("class", ""), element.get("id", "")
    if not (class_name or own_id) or tag in _NEVER_FURNITURE:
        return None
    furniture = furniture_of(class_name)
    if furniture is Furniture.NONE and furniture_of(own_id) and not _is_section(element, own_id):
        furniture = furniture_of(own_id)
    if furniture is Furniture.NONE:
        return None
    if (
        furniture is Furniture.WEAK
        and next(element.iter("pre", "table", "blockquote"), None) is not None
    ):
        return None
    return class_name or own_id, _FURNITURE_SHARE[furniture], _GROUP_SHARE[furniture]


def _is_section(element: Element, own_id: str) -> bool:
    """True where the id is made from the section's own heading: `#session-cookie-secure`."""
    words = words_of(own_id)
    heading = next(element.iter(*_HEADINGS), None)
    if heading is None or len(words) < 2:
        return False
    return words - {"s"} <= words_of("".join(heading.itertext()))


def _choose(body: Element, prose: Prose) -> Element | None:
    """The element that the page marks or names as its text, if it holds enough of the prose."""
    total = prose.get(body, 0)
    if not total:
        return None
    best, best_score = None, 0.0
    for element in body.iter(*_CONTAINERS):
        n_own = prose.get(element, 0)
        if not n_own:
            continue
        if element.get("itemprop") == "articleBody":
            share = 0.2
        elif is_content(f"{element.get('class', '')} {element.get('id', '')}"):
            share = 0.55
        elif element.tag in ("article", "main"):
            share = 0.5
        else:
            continue
        # The less a mark needs to be trusted, the more it is worth.
        score = n_own / total * (1.5 - share)
        if n_own >= share * total and score > best_score:
            best, best_score = element, score
    return best


def _descend(element: Element, least_share: float, prose: Prose) -> Element:
    """The innermost element that still holds nearly all of the prose of `element`."""
    while True:
        n_least = least_share * prose.get(element, 0)
        inner = next((one for one in element if 0 < n_least <= prose.get(one, 0)), None)
        if inner is None or inner.tag in _LEAVES:
            return element
        element = inner


def _drop_linked_blocks(container: Element, prose: Prose) -> None:
    """Removes lists and boxes that hold little but links."""
    n_most = 0.3 * prose.get(container, 0)
    texts = count_text(container)
    for element in list(container.iter("ul", "ol", "div", "section", "table")):
        text = texts[element]
        if element is container or text.n_links < 2 or prose.get(element, 0) > n_most:
            continue
        share = text.n_linked / text.n_chars if text.n_chars else 0
        is_list = element.tag in ("ul", "ol")
        if share > 0.8 if is_list else share > 0.7 and text.n_chars < _MAX_LINKED_BLOCK_CHARS:
            drop_elements([element])
