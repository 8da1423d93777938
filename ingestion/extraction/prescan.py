"""A cheap look at HTML before any parser sees it.

A few hundred kilobytes of hostile markup keep every HTML parser busy for minutes: one tag with
100,000 attributes, 100,000 nested elements, a million entities. The scan runs once over the tags
with one regular expression that cannot backtrack, knows quotes, comments and script bodies, and
refuses only far outside of what real pages hold. It stands before every page twice (the crawler
reads links, the extractor text), so there is no call of
our own for each tag.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import accumulate, islice
from operator import sub

from ingestion.errors import PageTooComplex

MAX_ATTRIBUTES = 400
MAX_DEPTH = 1_500
MAX_ENTITIES = 200_000
MAX_OPTIONS = 5_000
MAX_TAGS = 400_000

# Possessive quantifiers (`*+`) make each scan linear. The last branch of a tag's body takes a lone
# quote, so that broken markup is skipped instead of hiding what follows. An element whose content
# is no markup is taken whole, up to its end tag.
_TAG = re.compile(
    rb"<!--(?:[^-]++|-(?!->))*+(?:-->)?"
    rb"|<((script|style|textarea|title|xmp)(?=[\s/>])|/?[a-z][^\s/>]{0,60})"
    rb"((?:[^>\"'=]++|=\s*+(?:\"[^\"]*+\"|'[^']*+')|[=\"'])*+)>?"
    rb"(?(2)(?:[^<]++|<(?!/\2[\s/>]))*+)",
    re.IGNORECASE,
)
_ATTRIBUTE = re.compile(rb"[^\s=/\"'>]+(?:\s*+=\s*+(?:\"[^\"]*+\"|'[^']*+'|[^\s>]++))?")
_VOID = frozenset(b"area base br col embed hr img input link meta param source track wbr".split())
# Elements that browsers close by themselves when the next of them opens.
_SELF_CLOSING = frozenset(b"p li dt dd option optgroup tr td th thead tbody tfoot".split())
_BATCH_TAGS = 5_000


class _Steps(dict[bytes, int]):
    """By how much a tag, `name` or `/name`, changes the depth."""

    def __missing__(self, tag: bytes) -> int:
        name = tag.lower().lstrip(b"/")
        is_nested = name not in _VOID and name not in _SELF_CLOSING
        self[tag] = step = (-1 if tag.startswith(b"/") else 1) if is_nested else 0
        return step


def check_html(html: bytes) -> None:
    """Returns when parsing `html` takes about as long as its size suggests.

    Raises: PageTooComplex.
    """
    if html.count(b"&") > MAX_ENTITIES:
        raise PageTooComplex(subject="entities")
    matches = _TAG.finditer(html)
    steps = _Steps()
    changes: list[int] = []
    n_options = 0
    while tags := [match.groups(b"") for match in islice(matches, _BATCH_TAGS)]:
        # Two bytes are the least an attribute takes, so short tags need no count.
        for long in [body for _, _, body in tags if len(body) >= 2 * MAX_ATTRIBUTES]:
            _check_attributes(long)
        changes += [0 if body[-1:] == b"/" else steps[name] for name, _, body in tags]
        if any(name.lower() == b"option" for name in steps):
            n_options += sum(name.lower() == b"option" for name, _, _ in tags)
        if n_options > MAX_OPTIONS or len(changes) > MAX_TAGS:
            raise PageTooComplex(subject=f"options {n_options}, tags {len(changes)}")
    # Few pages have so many elements that they could be too deep at all.
    if changes.count(1) > MAX_DEPTH and (depth := _depth_of(changes)) > MAX_DEPTH:
        raise PageTooComplex(subject=f"depth {depth}")


def _depth_of(changes: list[int]) -> int:
    """The deepest point.

    An end tag without its start leaves the depth at zero: what counts is how far the sum of all
    changes stands above the lowest point that it had.
    """
    sums: list[int] = list(accumulate(changes, initial=0))
    depths: Iterator[int] = map(sub, sums, accumulate(sums, min))
    return max(depths)


def _check_attributes(body: bytes) -> None:
    for n_before, _ in enumerate(_ATTRIBUTE.finditer(body)):
        if n_before >= MAX_ATTRIBUTES:
            raise PageTooComplex(subject="attributes of one tag")
