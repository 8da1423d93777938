"""What in HTML could act by itself, and what a page is made of whatever its words are."""

from __future__ import annotations

from html.parser import HTMLParser
from urllib.parse import urlsplit

from lxml import html as lxml_html

# What an answer may consist of: words of the product's contract, not read from its code.
ANSWER_TAGS = frozenset(
    "p br hr h1 h2 h3 h4 h5 h6 strong em s sup ul ol li blockquote pre code a"  # noqa: SIM905 (prose)
    " table thead tbody tr th td".split()
)
ANSWER_ATTRIBUTES = frozenset(
    {("a", "href"), ("a", "rel"), ("a", "target"), ("ol", "start"), ("sup", "data-n")}
)
LINK_SCHEMES = frozenset({"http", "https", "mailto"})


def active_parts(answer: str) -> list[str]:
    """Every tag, attribute and link of a rendered answer that has no business there."""
    found = []
    for element in lxml_html.fragments_fromstring(f"<div>{answer}</div>")[0].iterdescendants():
        if not isinstance(element.tag, str):
            found.append(f"a comment: {element.text}")
            continue
        if element.tag not in ANSWER_TAGS:
            found.append(f"<{element.tag}>")
        for name, value in element.attrib.items():
            if (element.tag, name) not in ANSWER_ATTRIBUTES:
                found.append(f"{element.tag}[{name}]")
            elif name == "href" and urlsplit(value.strip()).scheme.lower() not in LINK_SCHEMES:
                found.append(f"href={value}")
    return found


class _Skeleton(HTMLParser):
    """Tags with the names of their attributes, and the values of those that lead somewhere."""

    LEADING = frozenset({"href", "src", "action", "formaction", "srcset", "data", "poster"})
    # White space in a text decides how many of these a page's author gets from a filter.
    PROSE = frozenset({"p", "br"})

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[tuple[str, ...]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in self.PROSE and not attrs:
            return
        names = (f"{k}={v}" if k in self.LEADING else k for k, v in attrs)
        self.parts.append((tag, *names))

    handle_startendtag = handle_starttag

    def handle_comment(self, data: str) -> None:
        self.parts.append(("comment",))

    def handle_decl(self, decl: str) -> None:
        self.parts.append(("declaration", decl))

    def unknown_decl(self, data: str) -> None:
        self.parts.append(("declaration",))

    def handle_pi(self, data: str) -> None:
        self.parts.append(("instruction",))


def skeleton(page: str) -> list[tuple[str, ...]]:
    """What `page` is made of but for its words: equal for harmless and hostile ones."""
    parser = _Skeleton()
    parser.feed(page)
    parser.close()
    return parser.parts


def foreign_parts(page: str, *, like: str) -> set[tuple[str, ...]]:
    """What `page` has and `like`, the same page with harmless words, has not: kinds of tags and
    attributes, and addresses that lead elsewhere than to this server or, plainly, to the web.
    What answers may consist of is no news in either."""
    known = {(tag, name.partition("=")[0]) for tag, *names in skeleton(like) for name in names}
    known |= ANSWER_ATTRIBUTES
    tags = {part[0] for part in skeleton(like)} | ANSWER_TAGS
    found: set[tuple[str, ...]] = set()
    for tag, *names in set(skeleton(page)) - set(skeleton(like)):
        if tag not in tags:
            found.add((tag,))
        for name, _, address in (name.partition("=") for name in names):
            if (tag, name) not in known:
                found.add((tag, name))
            elif address and not _leads_nowhere_new(address, is_link=tag == "a"):
                found.add((tag, name, address))
    return found


def _leads_nowhere_new(address: str, *, is_link: bool) -> bool:
    parts = urlsplit(address)
    if is_link and parts.scheme in LINK_SCHEMES:
        return bool(parts.netloc) or parts.scheme == "mailto"
    is_here = not parts.scheme and not parts.netloc and "\\" not in address
    return is_here or address == "data:,"
