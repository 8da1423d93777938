"""Answers as HTML that is safe to show: Markdown in, a short list of tags out.

What a model writes is untrusted. Three fences stand one behind the other: the parser knows no HTML,
no images and no link without an http, https or mailto address; nh3 then keeps only the tags below;
and the panel's policy would neither run a script nor load a picture if both had a hole.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import cache
from itertools import pairwise
from typing import Any

import nh3
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

_SCHEMES = ("http", "https", "mailto")
_TAGS = {
    *("p", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "strong", "em", "s", "sup"),
    *("ul", "ol", "li", "blockquote", "pre", "code", "a"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}
_ATTRIBUTES = {"a": {"href"}, "ol": {"start"}, "sup": {"data-n"}, "*": set[str]()}
_CITATION = re.compile(r"\[(\d{1,3})\]")
_SCHEME = re.compile(r"(?:https?://|mailto:)\S", re.IGNORECASE)


def render_answer(text: str, *, known: Collection[int]) -> str:
    """`text` as safe HTML; `[n]` becomes `<sup data-n="n">` for numbers in `known`."""
    html = _parser().render(text, {"known": frozenset(known)})
    return nh3.clean(
        html,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        set_tag_attribute_values={"a": {"target": "_blank"}},
        link_rel="noopener nofollow",
        url_schemes=set(_SCHEMES),
        url_relative="deny",
    )


class BlockSplitter:
    """Cuts a growing Markdown text into finished top-level blocks.

    A block is finished when the next one has begun on a complete line, or, for a paragraph, when a
    blank line follows. What is not finished yet is `rest`.
    """

    def __init__(self) -> None:
        self.rest = ""

    def feed(self, text: str) -> list[str]:
        """The blocks that `text` finished, in order; usually none."""
        self.rest += text.replace("\r", "")
        if "\n" not in text:
            return []
        end = self.rest.rfind("\n") + 1
        cuts = _block_starts(self.rest[:end])
        blocks = [self.rest[a:b] for a, b in pairwise(cuts)]
        self.rest = self.rest[cuts[-1] :]
        return [block for block in blocks if block.strip()]

    def flush(self) -> list[str]:
        """What is left, at the end of the text."""
        blocks, self.rest = [self.rest], ""
        return [block for block in blocks if block.strip()]


def _block_starts(lines: str) -> list[int]:
    """Offsets where top-level blocks start, 0 first; the last block is the unfinished one."""
    offsets = [0]
    for line in lines.split("\n"):
        offsets.append(offsets[-1] + len(line) + 1)
    tokens = [t for t in _block_parser().parse(lines) if t.level == 0 and t.nesting >= 0 and t.map]
    starts = [offsets[token.map[0]] for token in tokens[1:] if token.map]
    if tokens and tokens[-1].type == "paragraph_open" and lines.endswith("\n\n"):
        starts.append(len(lines))
    return [0, *starts]


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "breaks": True})
    parser.enable(["table", "strikethrough"])
    # A definition such as `[1]: //elsewhere` is text here: it must neither vanish nor make links.
    parser.disable(["reference", "html_block", "html_inline"])
    parser.inline.ruler.before("link", "citation", _citation_rule)
    parser.add_render_rule("image", _image_as_text)
    parser.add_render_rule("citation", _citation_as_html)
    parser.validateLink = _is_allowed_link  # type: ignore[method-assign]
    return parser


@cache
def _block_parser() -> MarkdownIt:
    """The same blocks without the work inside them."""
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    parser.disable(["reference", "html_block"])
    parser.core.ruler.enableOnly(["normalize", "block"])
    return parser


def _is_allowed_link(url: str) -> bool:
    return _SCHEME.match(url) is not None


def _citation_rule(state: StateInline, silent: bool) -> bool:
    match = _CITATION.match(state.src, state.pos, state.posMax)
    if match is None or int(match[1]) not in state.env.get("known", ()):
        return False
    if not silent:
        state.pending = state.pending.rstrip(" ")  # a chip never starts a line of its own
        state.push("citation", "", 0).content = str(int(match[1]))
    state.pos = match.end()
    return True


def _citation_as_html(
    renderer: RendererHTML, tokens: list[Token], index: int, options: Any, env: Any
) -> str:
    n = tokens[index].content
    return f'<sup data-n="{n}">{n}</sup>'


def _image_as_text(
    renderer: RendererHTML, tokens: list[Token], index: int, options: Any, env: Any
) -> str:
    """The description alone: a picture would tell its server that it was seen."""
    return nh3.clean_text(renderer.renderInlineAsText(tokens[index].children or [], options, env))
