"""reStructuredText and AsciiDoc: headings, code and text as Markdown, line by line.

Not a renderer: what has no cheap counterpart stays as it is written, and nothing is included.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ingestion.extraction.blocks import Blocks, fence, first_heading, heading
from ingestion.extraction.text import read_text
from ingestion.extraction.types import ExtractedDocument

_ADORNMENT = re.compile(r"([!-/:-@\[-`{-~])\1{2,}\s*")
_RST_CODE = re.compile(r"\s*\.\. (?:code-block|sourcecode|code|highlight)::[ \t]*(\S*)\s*")
_RST_NOTE = re.compile(
    r"\s*\.\. (note|warning|tip|important|caution|seealso|hint|danger|attention|versionadded"
    r"|versionchanged|deprecated)::\s*(.*)"
)
_RST_DIRECTIVE = re.compile(r"\s*\.\. ([\w:.+-]+)::\s*(.*)")
_RST_FOOTNOTE = re.compile(r"\s*\.\. (\[[^\]\n]{1,80}\] .*)")
_RST_WITHOUT_TEXT = frozenset([
    "toctree", "image", "figure", "include", "literalinclude", "index", "contents", "raw", "only",
    "module", "currentmodule", "testsetup", "testcleanup", "bibliography", "graphviz", "plot",
])  # fmt: skip
_RST_ROLE = re.compile(r":(?:[\w.+-]+:){1,2}`~?([^`<]{1,500}?)(?:\s{0,9}<[^`>]{0,500}>)?`")
_RST_LINK = re.compile(r"`([^`<]{1,500}?)\s{0,9}<[^`>]{0,2000}>`__?")
_RST_LITERAL = re.compile(r"``([^`\n]{1,500})``")
_ADOC_HEADING = re.compile(r"(={1,6})[ \t]+(\S.*)")
_ADOC_SOURCE = re.compile(r"\[(?:source)?(?:%\w+)?(?:,\s*([\w+#-]+))?[^\]]*\]\s*")
_ADOC_BLOCK = re.compile(r"(-{4,}|\.{4,}|`{3,})\s*")
_ADOC_HIDDEN = re.compile(r"(?::[\w!-]+:.*|//(?!/).*|\[\[.*\]\]|\[#.*\]|(?:include|image)::.*)\s*")
_ADOC_LINK = re.compile(r"(?:link:|xref:|https?://)[^\s\[\]]{1,300}\[([^\]\n]{1,300})\]")
_ADOC_REFERENCE = re.compile(r"<<[^,<>\n]{1,200}(?:,\s*([^<>\n]{1,300}))?>>")


def extract_rst(body: bytes) -> ExtractedDocument:
    """reStructuredText as Markdown. Raises: TextNotDecodable, TextTooLong, NoTextFound."""
    return _document(_rst_parts(read_text(body).expandtabs(8).split("\n")))


def extract_asciidoc(body: bytes) -> ExtractedDocument:
    """AsciiDoc as Markdown. Raises: TextNotDecodable, TextTooLong, NoTextFound."""
    return _document(_asciidoc_parts(read_text(body).split("\n")))


def _document(parts: Iterator[str]) -> ExtractedDocument:
    """Lines are gathered to paragraphs; an empty part ends one, a fence or heading is its own."""
    blocks = Blocks()
    lines: list[str] = []
    for part in parts:
        if part and not part.startswith(("# ", "## ", "### ", "#### ", "##### ", "###### ", "```")):
            lines.append(part)
            continue
        blocks.add("\n".join(lines))
        blocks.add(part)
        lines = []
    blocks.add("\n".join(lines))
    text = blocks.text()
    return ExtractedDocument(title=first_heading(text), text=text)


def _rst_parts(lines: list[str]) -> Iterator[str]:
    levels: list[str] = []
    number = 0
    while number < len(lines):
        line = lines[number]
        if (shape := _rst_heading(lines, number)) is not None:
            mark, text, n_lines = shape
            if mark not in levels:
                levels.append(mark)
            yield heading(levels.index(mark) + 1, _rst_inline(text))
            number += n_lines
        elif line.lstrip().startswith(".. "):
            part, number = _rst_explicit(lines, number)
            yield from [part] if part else []
        else:
            text = _rst_inline(line).rstrip()
            is_literal = text.endswith("::")
            yield text.removesuffix("::") + ":" if is_literal and text != "::" else text
            number += 1
            if is_literal:
                block, number = _indented(lines, number, skip_options=False)
                yield fence(block)


def _rst_explicit(lines: list[str], number: int) -> tuple[str, int]:
    """What a line that begins with two dots says, and the number of the line behind it."""
    line = lines[number]
    if code := _RST_CODE.fullmatch(line):
        block, after = _indented(lines, number + 1, skip_options=True)
        return fence(block, code[1]), after
    if note := _RST_NOTE.fullmatch(line):
        return f"{note[1].capitalize()}: {_rst_inline(note[2])}".rstrip(), number + 1
    if directive := _RST_DIRECTIVE.fullmatch(line):
        if directive[1] in _RST_WITHOUT_TEXT:
            return "", _indented(lines, number + 1, skip_options=False)[1]
        return (f"`{directive[2]}`" if directive[2] else ""), number + 1
    footnote = _RST_FOOTNOTE.fullmatch(line)
    return (_rst_inline(footnote[1]) if footnote else ""), number + 1


def _rst_heading(lines: list[str], number: int) -> tuple[str, str, int] | None:
    """(kind of adornment, text, number of lines) of a heading that begins here."""
    line, *after = (one.rstrip() for one in lines[number : number + 3])
    if len(after) == 2 and _ADORNMENT.fullmatch(line) and after[1] == line and after[0].strip():
        return line[0] * 2, after[0].strip(), 3
    is_text = bool(line) and not line[0].isspace() and not _ADORNMENT.fullmatch(line)
    if is_text and after and _ADORNMENT.fullmatch(after[0]) and len(after[0]) >= len(line) - 2:
        return after[0][0], line, 2
    return None


def _indented(lines: list[str], number: int, *, skip_options: bool) -> tuple[str, int]:
    """The block indented below, without its indentation, and the number of the line behind it."""
    block: list[str] = []
    while number < len(lines) and (not lines[number].strip() or lines[number][0].isspace()):
        is_option = skip_options and not any(block) and lines[number].strip().startswith(":")
        if not is_option:
            block.append(lines[number].rstrip())
        number += 1
    depth = min((len(one) - len(one.lstrip()) for one in block if one), default=0)
    return "\n".join(one[depth:] for one in block).strip("\n"), number


def _rst_inline(text: str) -> str:
    text = _RST_LITERAL.sub(r"`\1`", text)
    return _RST_LINK.sub(r"\1", _RST_ROLE.sub(r"`\1`", text))


def _asciidoc_parts(lines: list[str]) -> Iterator[str]:
    number = 0
    language = ""
    while number < len(lines):
        line = lines[number].rstrip()
        number += 1
        if block := _ADOC_BLOCK.fullmatch(line):
            end = next(
                (at for at in range(number, len(lines)) if lines[at].rstrip() == block[1]),
                len(lines),
            )
            yield fence("\n".join(lines[number:end]), language)
            number, language = end + 1, ""
        elif title := _ADOC_HEADING.fullmatch(line):
            yield heading(len(title[1]), _adoc_inline(title[2]))
        elif source := _ADOC_SOURCE.fullmatch(line):
            language = source[1] or ""
        elif not _ADOC_HIDDEN.fullmatch(line):
            yield _adoc_inline(line)


def _adoc_inline(text: str) -> str:
    text = _ADOC_REFERENCE.sub(lambda found: found[1] or "", text)
    return _ADOC_LINK.sub(r"\1", text)
