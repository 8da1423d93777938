"""How much text an element holds, and how much of it in links."""

from __future__ import annotations

from typing import Any, NamedTuple

Element = Any  # lxml carries no types


class Text(NamedTuple):
    """Characters in all, characters in links, and links."""

    n_chars: int
    n_linked: int
    n_links: int


def count_text(root: Element) -> dict[Element, Text]:
    """The text of `root` and of every element below it; one pass, however deep the tree."""
    counted: dict[Element, Text] = {}
    elements = [one for one in root.iter() if isinstance(one.tag, str)]
    for element in reversed(elements):
        n_chars = len(element.text.strip()) if element.text else 0
        n_linked = n_links = 0
        for child in element:
            if child.tail:
                n_chars += len(child.tail.strip())
            if (inner := counted.get(child)) is not None:
                n_chars += inner.n_chars
                n_linked += inner.n_linked
                n_links += inner.n_links
        if element.tag == "a":
            n_linked, n_links = n_chars, n_links + 1
        counted[element] = Text(n_chars, n_linked, n_links)
    return counted


def text_of(root: Element, *linking: str) -> Text:
    """The text of `root` alone, where elements with the names in `linking` count as links."""
    n_chars = _n_chars(root)
    n_linked = n_links = 0
    for element in root.iter(*linking):
        n_links += 1
        n_linked += _n_chars(element)
        if n_linked >= n_chars:  # links in links: enough to know
            return Text(n_chars, n_chars, n_links)
    return Text(n_chars, n_linked, n_links)


def _n_chars(element: Element) -> int:
    return sum(len(text.strip()) for text in element.itertext())
