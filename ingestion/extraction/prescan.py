"""A cheap look at HTML before any parser sees it.

A few hundred kilobytes of hostile markup keep every HTML parser busy for minutes: one tag with
100,000 attributes, 100,000 nested elements, a million entities. The scan runs once over the tags
with regular expressions that cannot backtrack, knows quotes, comments and script bodies, and
refuses only far outside of what real pages hold.
"""

from __future__ import annotations

import re

from ingestion.errors import PageTooComplex

MAX_ATTRIBUTES = 400
MAX_DEPTH = 1_500
MAX_ENTITIES = 200_000
MAX_OPTIONS = 5_000
MAX_TAGS = 400_000

# Possessive quantifiers (`*+`) make each scan linear. The last branch of a tag's body takes a lone
# quote, so that broken markup is skipped instead of hiding what follows.
_TAG = re.compile(
    rb"<!--(?:[^-]|-(?!->))*+(?:-->)?"
    rb"|<(/?)([a-zA-Z][^\s/>]{0,60})((?:[^>\"'=]|=\s*+(?:\"[^\"]*+\"|'[^']*+')|[=\"'])*+)>?",
)
_ATTRIBUTE = re.compile(rb"[^\s=/\"'>]+(?:\s*+=\s*+(?:\"[^\"]*+\"|'[^']*+'|[^\s>]++))?")
_RAW_TEXT_ENDS = {
    name: re.compile(rb"</" + name + rb"(?=[\s/>])", re.IGNORECASE)
    for name in (b"script", b"style", b"textarea", b"title", b"xmp")
}
_VOID = frozenset(b"area base br col embed hr img input link meta param source track wbr".split())
# Elements that browsers close by themselves when the next of them opens.
_SELF_CLOSING = frozenset(b"p li dt dd option optgroup tr td th thead tbody tfoot".split())


def check_html(html: bytes) -> None:
    """Returns when parsing `html` takes about as long as its size suggests.

    Raises: PageTooComplex.
    """
    if html.count(b"&") > MAX_ENTITIES:
        raise PageTooComplex(subject="entities")
    depth = n_tags = n_options = position = 0
    while (tag := _TAG.search(html, position)) is not None:
        position = tag.end()
        name = tag[2]
        if name is None:
            continue
        name = name.lower()
        n_tags += 1
        if tag[1]:
            depth = max(0, depth - (name not in _VOID and name not in _SELF_CLOSING))
            continue
        n_options += name == b"option"
        body = tag[3]
        _check_attributes(body)
        if name in _RAW_TEXT_ENDS:
            end = _RAW_TEXT_ENDS[name].search(html, position)
            position = end.end() if end else len(html)
        elif name not in _VOID and name not in _SELF_CLOSING and not body.endswith(b"/"):
            depth += 1
        if depth > MAX_DEPTH or n_options > MAX_OPTIONS or n_tags > MAX_TAGS:
            raise PageTooComplex(subject=f"depth {depth}, options {n_options}, tags {n_tags}")


def _check_attributes(body: bytes) -> None:
    # Two bytes are the least an attribute takes, so short tags need no count.
    if len(body) < 2 * MAX_ATTRIBUTES:
        return
    for n_before, _ in enumerate(_ATTRIBUTE.finditer(body)):
        if n_before >= MAX_ATTRIBUTES:
            raise PageTooComplex(subject="attributes of one tag")
