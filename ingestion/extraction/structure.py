"""HTML to Markdown by structure alone: for pages whose main element is known to be content.

Article extractors drop what documentation is made of: signatures in definition lists, code, tables.
This walk keeps all of it. Blocks are separated by an empty line; a term and the first paragraph of
its definition stay together, so that splitting does not tear a signature from its description.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ingestion.extraction.tables import is_layout, rows_of, write_table

Element = Any  # lxml carries no types

MAX_WALK_DEPTH = 120
# What stands between these came from a link. `clean_text` removes them, as all control characters.
LINK_START, LINK_END = "\x0e", "\x0f"

_HEADINGS = {f"h{n}": "#" * n + " " for n in range(1, 7)}
BLOCKS = _HEADINGS.keys() | frozenset([
    "p", "pre", "ul", "ol", "dl", "table", "blockquote", "hr", "figcaption", "summary",
    "main", "article", "section", "div", "header", "footer", "form", "fieldset", "center",
    "figure", "details", "hgroup", "address", "li", "dd", "dt", "tr",
])  # fmt: skip
_CODE = frozenset(["code", "tt", "kbd", "samp"])
_LINES_IN_CODE = frozenset(["div", "p", "tr", "li", "ol", "ul", "table"])
_SPACES = re.compile(r"[ \t\r\n\f\u00a0]+")
_BREAKS = re.compile(r"\v\s*\v")
_ANCHOR = re.compile(r"[\s\x0e\x0f]*(?:[¶🔗§]|\x0e\s*#+\s*)[\s\x0e\x0f]*$")
_LANGUAGE = re.compile(
    r"(?:^|[\s_-])(?:highlight-source|highlight|language|lang|brush:)-?\s*([\w+#]+)"
)
_NO_LANGUAGE = frozenset(["default", "none", "text", "plain", "plaintext", "highlight"])
_MARKER_TITLE = re.compile(r"admonition-?(?:title|heading)|callout-title", re.IGNORECASE)
_RAISED = re.compile(r"[-+\u2212\u2013]?[\d.,]+|[a-zA-Z]")
_LOWERED = re.compile(r"[a-zA-Z]{1,3}|[a-z][,+-]?[a-z\d]")


def to_markdown(element: Element) -> str:
    """The Markdown of everything inside `element`."""
    return "\n\n".join(to_blocks(element))


def to_blocks(element: Element) -> list[str]:
    """The same as a list: paragraphs, headings, lists, code, tables."""
    return _blocks_in(element, 0)


def _blocks_in(element: Element, depth: int) -> list[str]:
    """The blocks inside a container; runs of inline content become paragraphs."""
    if depth > MAX_WALK_DEPTH:
        return _paragraph(" ".join(element.itertext()))
    blocks: list[str] = []
    run: list[str] = [element.text or ""]
    for child in element:
        if isinstance(child.tag, str):
            if _is_block(child):
                blocks += _paragraph("".join(run))
                run = []
                _add(blocks, child, depth + 1)
            else:
                run.append(_inline(child, depth + 1, run[-1] if run else ""))
        run.append(child.tail or "")
    return blocks + _paragraph("".join(run))


def _is_block(element: Element) -> bool:
    if element.tag in BLOCKS:
        return True
    # Links, spans and custom elements are wrapped around whole sections by some builders.
    return len(element) > 0 and next(element.iter(*BLOCKS), None) is not None


def _add(blocks: list[str], element: Element, depth: int) -> None:
    made = _block(element, depth)
    if element.tag == "a":
        made = [_as_link(block) for block in made]
    if made and blocks and _is_marker_before(element):
        blocks[-1] = f"{blocks[-1]}\n{made.pop(0)}"
    blocks += made


def _as_link(text: str) -> str:
    bare = text.replace(LINK_START, "").replace(LINK_END, "")
    return f"{LINK_START}{bare}{LINK_END}" if bare.strip() else text


def _is_marker_before(element: Element) -> bool:
    before = element.getprevious()
    if before is None or before.tag not in ("p", "div") or not isinstance(element.tag, str):
        return False
    return bool(_MARKER_TITLE.search(before.get("class") or ""))


def _block(element: Element, depth: int) -> list[str]:
    match element.tag:
        case "h1" | "h2" | "h3" | "h4" | "h5" | "h6":
            text = _ANCHOR.sub("", _flat(_inline(element, depth)).replace("\n", " "))
            return [_HEADINGS[element.tag] + text] if text else []
        case "pre":
            return _code_block(element)
        case "ul" | "ol":
            return _list(element, depth)
        case "dl":
            return _definitions(element, depth)
        case "table":
            return _table(element, depth)
        case "blockquote":
            inner = "\n\n".join(_blocks_in(element, depth))
            return ["\n".join(f"> {line}".rstrip() for line in inner.split("\n"))] if inner else []
        case "hr":
            return []
        case _:
            return _blocks_in(element, depth)


def _paragraph(text: str) -> list[str]:
    """Paragraphs of inline text: two line breaks in a row were the paragraphs of older pages."""
    parts = _BREAKS.split(text) if "\v" in text else (text,)
    return [flat for part in parts if (flat := _flat(part))]


def _flat(text: str) -> str:
    """Whitespace collapsed as a browser does; line breaks by <br> (as \\v here) stay."""
    lines = (_SPACES.sub(" ", line).strip() for line in text.split("\v"))
    return "\n".join(line for line in lines if line)


def _inline(element: Element, depth: int, before: str = "") -> str:
    """The text of an inline element; `before` is what stands left of it."""
    tag = element.tag
    if tag == "br":
        return "\v"
    if depth > MAX_WALK_DEPTH:
        return "".join(element.itertext())
    if tag in _CODE:
        return _code_span(_SPACES.sub(" ", "".join(element.itertext())))
    if len(element) == 0:
        text = element.text or ""
    else:
        parts = [element.text or ""]
        for child in element:
            if isinstance(child.tag, str):
                parts.append(_inline(child, depth + 1, parts[-1]))
            parts.append(child.tail or "")
        text = "".join(parts)
    if tag == "a":
        return _as_link(text)
    if tag in ("sup", "sub") and before[-1:].isalnum():
        return _shifted(text, tag)
    return text


def _shifted(text: str, tag: str) -> str:
    """Powers and indices in plain characters: 10^6 and x_i, but H2O, 1st and footnotes as is."""
    bare = text.strip()
    if tag == "sup":
        return f"^{bare}" if _RAISED.fullmatch(bare) else text
    return f"_{bare}" if _LOWERED.fullmatch(bare) else text


def _code_span(text: str) -> str:
    bare = text.strip()
    if not bare or "`" in bare:
        return text
    return f"`{bare}`"


def _code_block(element: Element) -> list[str]:
    pieces: list[str] = []
    _collect_code(element, pieces, 0)
    code = "".join(pieces).replace("\r\n", "\n").strip("\n").rstrip()
    if not code.strip():
        return []
    fence = "```"
    while fence in code:
        fence += "`"
    return [f"{fence}{_language_of(element)}\n{code}\n{fence}"]


def _collect_code(element: Element, pieces: list[str], depth: int) -> None:
    """Text as it stands, and a line for each element that a browser would put on its own."""
    if depth > MAX_WALK_DEPTH:
        pieces.append("".join(element.itertext()))
        return
    pieces.append(element.text or "")
    for child in element:
        is_line = child.tag in _LINES_IN_CODE
        if child.tag == "br":
            pieces.append("\n")
        elif isinstance(child.tag, str):
            if is_line:
                _end_line(pieces)
            _collect_code(child, pieces, depth + 1)
            if is_line:
                _end_line(pieces)
        pieces.append(child.tail or "")


def _end_line(pieces: list[str]) -> None:
    last = next((piece for piece in reversed(pieces) if piece), "\n")
    if not last.endswith("\n"):
        pieces.append("\n")


def _language_of(element: Element) -> str:
    near = [element, *element.iterancestors()][:3] + [one for one in element if one.tag == "code"]
    for one in near:
        if found := _LANGUAGE.search(one.get("class") or ""):
            language = found[1].lower()
            return "" if language in _NO_LANGUAGE else language
    return ""


def _list(element: Element, depth: int) -> list[str]:
    items: list[str] = []
    start = element.get("start", "1").strip()
    first = int(start) if start.isascii() and start.isdigit() and len(start) < 7 else 1
    children = (one for one in element if isinstance(one.tag, str))
    for number, item in enumerate(children, start=first):
        marker = f"{number}. " if element.tag == "ol" else "- "
        blocks = _block(item, depth) if item.tag in ("ul", "ol") else _blocks_in(item, depth + 1)
        if blocks:
            indented = "\n".join(blocks).replace("\n", "\n" + " " * len(marker))
            items.append(marker + indented)
    return ["\n".join(items)] if items else []


def _definitions(element: Element, depth: int) -> list[str]:
    blocks: list[str] = []
    terms: list[str] = []
    for one in _definition_parts(element):
        if one.tag == "dt":
            terms += _term(one, depth)
        elif inner := _blocks_in(one, depth + 1):
            blocks += ["\n".join([*terms, inner[0]]), *inner[1:]]
            terms = []
    return blocks + (["\n".join(terms)] if terms else [])


def _definition_parts(element: Element) -> Iterator[Element]:
    for child in element:
        if child.tag == "div":
            yield from _definition_parts(child)
        elif isinstance(child.tag, str):
            yield child


def _term(element: Element, depth: int) -> list[str]:
    """A term as one line; the signature of a function as one piece of code."""
    if "sig" in (element.get("class") or "").split() or element.get("id", "").count("."):
        text = _flat("".join(element.itertext())).rstrip("¶ \x0e\x0f")
        return [_code_span(text)] if text else []
    return [line for one in _blocks_in(element, depth + 1) if (line := one.rstrip("¶ \x0e\x0f"))]


def _table(element: Element, depth: int) -> list[str]:
    rows = rows_of(element)
    caption = element.find("caption")
    title = _paragraph(_inline(caption, depth)) if caption is not None else []
    if is_layout(element, rows):
        cells = (cell for row in rows for cell in row if isinstance(cell.tag, str))
        return title + [block for cell in cells for block in _blocks_in(cell, depth + 1)]
    lines = write_table(rows, lambda cell: _cell(cell, depth))
    if not lines or not lines[0].startswith("| "):
        return title + lines
    return ["\n".join([*title, *lines])]


def _cell(cell: Element, depth: int) -> str:
    text = " ".join(_blocks_in(cell, depth + 1))
    return text.replace("\n", " ").replace("|", "\\|")
