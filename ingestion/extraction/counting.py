"""How much text an element holds, and how much of it in links; one pass, however deep the tree."""

from __future__ import annotations

from typing import Any, NamedTuple

Element = Any  # lxml carries no types

_MENUS = frozenset({"a", "nav", "footer"})


class Text(NamedTuple):
    """Characters in all, characters in links, links, and characters outside links and menus."""

    n_chars: int
    n_linked: int
    n_links: int
    n_prose: int


def count_text(root: Element) -> dict[Element, Text]:
    """The text of `root` and of every element below it."""
    counted: dict[Element, Text] = {}
    elements = [one for one in root.iter() if isinstance(one.tag, str)]
    for element in reversed(elements):
        n_chars = len(element.text.strip()) if element.text else 0
        n_linked = n_links = 0
        n_prose = n_chars
        for child in element:
            if child.tail:
                n_tail = len(child.tail.strip())
                n_chars += n_tail
                n_prose += n_tail
            if (inner := counted.get(child)) is not None:
                n_chars += inner.n_chars
                n_linked += inner.n_linked
                n_links += inner.n_links
                n_prose += inner.n_prose
        if element.tag == "a":
            n_linked, n_links = n_chars, n_links + 1
        counted[element] = Text(n_chars, n_linked, n_links, 0 if element.tag in _MENUS else n_prose)
    return counted
