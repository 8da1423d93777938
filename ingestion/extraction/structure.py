"""HTML to Markdown by structure alone: for pages whose main element is known to be content.

Article extractors drop what documentation is made of: signatures in definition lists, code, tables.
This walk keeps all of it. Blocks are separated by an empty line; a term and the first paragraph of
its definition stay together, so that splitting does not tear a signature from its description.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml.html import HtmlElement

MAX_WALK_DEPTH = 120

_HEADINGS = {f"h{n}": "#" * n + " " for n in range(1, 7)}
_BLOCKS = _HEADINGS.keys() | frozenset(
    [
        "p",
        "pre",
        "ul",
        "ol",
        "dl",
        "table",
        "blockquote",
        "hr",
        "figcaption",
        "summary",
        "main",
        "article",
        "section",
        "div",
        "header",
        "footer",
        "form",
        "fieldset",
        "center",
        "figure",
        "details",
        "hgroup",
        "address",
        "li",
        "dd",
        "dt",
        "tr",
    ]
)
_CODE = frozenset(["code", "tt", "kbd", "samp"])
_SPACES = re.compile(r"[ \t\r\n\f\u00a0]+")
_LANGUAGE = re.compile(r"(?:^|[\s_-])(?:highlight-source|highlight|language|lang|brush:)-?\s*(\w+)")
_MARKER_TITLE = re.compile(r"admonition-title|admonition-heading|callout-title")


def to_markdown(element: HtmlElement) -> str:
    """The Markdown of everything inside `element`."""
    return "\n\n".join(_blocks_in(element, 0))


def _blocks_in(element: HtmlElement, depth: int) -> list[str]:
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
                run.append(_inline(child, depth + 1))
        run.append(child.tail or "")
    return blocks + _paragraph("".join(run))


def _is_block(element: HtmlElement) -> bool:
    if element.tag in _BLOCKS:
        return True
    # Links, spans and custom elements are wrapped around whole sections by some builders.
    return len(element) > 0 and any(
        inner.tag in _BLOCKS for inner in element.iter() if inner is not element
    )


def _add(blocks: list[str], element: HtmlElement, depth: int) -> None:
    made = _block(element, depth)
    if made and blocks and _is_marker_before(element):
        blocks[-1] = f"{blocks[-1]}\n{made.pop(0)}"
    blocks += made


def _is_marker_before(element: HtmlElement) -> bool:
    before = element.getprevious()
    if before is None or before.tag != "p" or not isinstance(element.tag, str):
        return False
    return bool(_MARKER_TITLE.search(before.get("class") or ""))


def _block(element: HtmlElement, depth: int) -> list[str]:
    match element.tag:
        case "h1" | "h2" | "h3" | "h4" | "h5" | "h6":
            text = _flat(_inline(element, depth)).replace("\n", " ").rstrip("¶ ")
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
    flat = _flat(text)
    return [flat] if flat else []


def _flat(text: str) -> str:
    """Whitespace collapsed as a browser does; line breaks by <br> (as \\v here) stay."""
    lines = (_SPACES.sub(" ", line).strip() for line in text.split("\v"))
    return "\n".join(line for line in lines if line)


def _inline(element: HtmlElement, depth: int) -> str:
    if not isinstance(element.tag, str):
        return ""
    if element.tag == "br":
        return "\v"
    if depth > MAX_WALK_DEPTH:
        return "".join(element.itertext())
    if element.tag in _CODE:
        return _code_span(_SPACES.sub(" ", "".join(element.itertext())))
    parts = [element.text or ""]
    for child in element:
        parts.append(_inline(child, depth + 1))
        parts.append(child.tail or "")
    return "".join(parts)


def _code_span(text: str) -> str:
    bare = text.strip()
    if not bare or "`" in bare:
        return text
    return f"`{bare}`"


def _code_block(element: HtmlElement) -> list[str]:
    for line_break in element.iter("br"):
        line_break.tail = "\n" + (line_break.tail or "")
    code = "".join(element.itertext()).strip("\n").rstrip()
    if not code:
        return []
    fence = "```"
    while fence in code:
        fence += "`"
    return [f"{fence}{_language_of(element)}\n{code}\n{fence}"]


def _language_of(element: HtmlElement) -> str:
    near = [element, *element.iterancestors()][:3] + [one for one in element if one.tag == "code"]
    for one in near:
        if found := _LANGUAGE.search(one.get("class") or ""):
            language = found[1].lower()
            return "" if language in ("default", "none", "text", "highlight") else language
    return ""


def _list(element: HtmlElement, depth: int) -> list[str]:
    items: list[str] = []
    for number, item in enumerate((one for one in element if isinstance(one.tag, str)), start=1):
        marker = f"{number}. " if element.tag == "ol" else "- "
        blocks = _block(item, depth) if item.tag in ("ul", "ol") else _blocks_in(item, depth + 1)
        if blocks:
            indented = "\n".join(blocks).replace("\n", "\n" + " " * len(marker))
            items.append(marker + indented)
    return ["\n".join(items)] if items else []


def _definitions(element: HtmlElement, depth: int) -> list[str]:
    blocks: list[str] = []
    terms: list[str] = []
    for one in _definition_parts(element):
        if one.tag == "dt":
            terms += _term(one, depth)
        elif inner := _blocks_in(one, depth + 1):
            blocks += ["\n".join([*terms, inner[0]]), *inner[1:]]
            terms = []
    return blocks + (["\n".join(terms)] if terms else [])


def _definition_parts(element: HtmlElement) -> Iterator[HtmlElement]:
    for child in element:
        if child.tag == "div":
            yield from _definition_parts(child)
        elif isinstance(child.tag, str):
            yield child


def _term(element: HtmlElement, depth: int) -> list[str]:
    """A term as one line; the signature of a function as one piece of code."""
    if "sig" in (element.get("class") or "").split() or element.get("id", "").count("."):
        text = _flat("".join(element.itertext())).rstrip("¶ ")
        return [_code_span(text)] if text else []
    return [line for one in _blocks_in(element, depth + 1) if (line := one.rstrip("¶ "))]


def _table(element: HtmlElement, depth: int) -> list[str]:
    rows = [row for row in element.iter("tr") if next(row.iterancestors("table")) is element]
    if any(True for _ in element.iter("pre", "table", "h1", "h2", "h3", "dl") if _ is not element):
        cells = (cell for row in rows for cell in row if isinstance(cell.tag, str))
        return [block for cell in cells for block in _blocks_in(cell, depth + 1)]
    lines = [line for row in rows if any(line := _cells(row, depth))]
    if not lines:
        return []
    width = max(len(line) for line in lines)
    if width == 1:
        return [line[0] for line in lines]
    padded = [line + [""] * (width - len(line)) for line in lines]
    padded.insert(1, ["---"] * width)
    caption = element.find("caption")
    title = _paragraph(_inline(caption, depth)) if caption is not None else []
    return ["\n".join([*title, *("| " + " | ".join(line) + " |" for line in padded)])]


def _cells(row: HtmlElement, depth: int) -> list[str]:
    found: list[str] = []
    for cell in row:
        if cell.tag in ("td", "th"):
            text = " ".join(_blocks_in(cell, depth + 1))
            found.append(text.replace("\n", " ").replace("|", "\\|"))
    return found
