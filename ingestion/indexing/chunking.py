"""From a document to chunks that an embedding model can read whole.

Text is cut where its author cut it: at headings, then between blocks (paragraphs, lists, code,
tables), and inside a block only when the block alone is too long. Every chunk is an exact slice of
the document, so that a citation can be shown in its place.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from ingestion.extraction.types import ExtractedDocument

MAX_TOKENS = 200
MIN_TOKENS = 40
MAX_ANSWER_TOKENS = 500
# A short rest may make the chunk before it this much longer than asked.
STRETCH = 1.15
# English has four to five characters in a token. Longer "words" are not read by any model.
MAX_CHARS_PER_TOKEN = 12
MAX_HEADING_CHARS = 200
MAX_TABLE_HEADER_CHARS = 200

CountTokens = Callable[[Sequence[str]], Sequence[int]]

_HEADING = re.compile(r"(#{1,6})[ \t]+(.*?)[ \t]*#*\s*")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_TABLE_HEADER = re.compile(
    r"^[ \t]*(\|[^\n]*)\n[ \t]*\|(?:[ \t]*:?-+:?[ \t]*\|)+[ \t]*\n", re.MULTILINE
)

# Patterns, the best places first.
_PROSE_CUTS = (r"\n\n", r"\n", r"\. ", r"\? ", r"! ", "。", "; ", ", ", " ", "")
_ROW_CUTS = (r"\n", " ", "")
# An empty line before one that is not indented stands between two functions.
_CODE_CUTS = (r"\n\s*\n(?=[^\s)\]}])", r"\n\s*\n", r"\n", " ", "")


@dataclass(frozen=True, slots=True)
class ChunkDraft:
    """A chunk before it is stored: `text == document.text[char_start:char_end]`.

    `heading_path` leads from the document's first heading to the chunk; `page` counts from 1 and is
    None where there are no pages; `ordinal` counts from 0 over the document.
    """

    text: str
    heading_path: tuple[str, ...]
    page: int | None
    char_start: int
    char_end: int
    ordinal: int


@dataclass(frozen=True, slots=True)
class _Span:
    start: int
    end: int
    cuts: tuple[str, ...] = _PROSE_CUTS
    n_tokens: int = 0


@dataclass(frozen=True, slots=True)
class _Heading:
    start: int
    end: int
    level: int
    title: str


@dataclass(frozen=True, slots=True)
class _Section:
    heading_path: tuple[str, ...]
    page: int | None
    start: int
    end: int


def split_document(
    document: ExtractedDocument, *, count_tokens: CountTokens, max_tokens: int = MAX_TOKENS
) -> list[ChunkDraft]:
    """The chunks of a document in reading order; none spans two sections or two pages.

    `count_tokens` gives the number of tokens of each text, without special tokens; it is called a
    few times per document with many texts. A chunk has at most `max_tokens` * 1.15 tokens, and at
    most twelve characters for each of them.
    """
    text = document.text
    sections = list(_sections(text, document.page_starts))
    spans = [list(_blocks(text, section)) for section in sections]
    counted = _count(text, [span for group in spans for span in group], count_tokens, max_tokens)
    fitting = _split_long(text, counted, count_tokens, max_tokens)
    chunks: list[ChunkDraft] = []
    for section, group in zip(sections, spans, strict=True):
        pieces = [piece for span in group for piece in fitting[span.start]]
        for span in _pack(pieces, max_tokens):
            chunks.append(
                ChunkDraft(
                    text=text[span.start : span.end],
                    heading_path=section.heading_path,
                    page=section.page,
                    char_start=span.start,
                    char_end=span.end,
                    ordinal=len(chunks),
                )
            )
    return chunks


def split_question_answer(
    document: ExtractedDocument, *, count_tokens: CountTokens
) -> list[ChunkDraft]:
    """One chunk, whatever stands in it: an answer is given whole. Only a very long one is split.

    Visitors' questions are compared with the title, the question, and what comes after it first.
    """
    whole = _trim(document.text, 0, len(document.text), is_code=False)
    if whole is None or count_tokens([document.text])[0] > MAX_ANSWER_TOKENS:
        return split_document(document, count_tokens=count_tokens)
    text = document.text[whole.start : whole.end]
    return [ChunkDraft(text, (), None, whole.start, whole.end, 0)]


def _sections(text: str, page_starts: tuple[int, ...]) -> Iterator[_Section]:
    """What lies between two headings, page by page; a heading holds until the next, over pages."""
    path: dict[int, str] = {}
    start = 0
    for heading in _headings(text):
        yield from _pages(tuple(path.values()), start, heading.start, page_starts)
        path = {upper: title for upper, title in path.items() if upper < heading.level}
        if heading.title:
            path[heading.level] = heading.title
        start = heading.end
    yield from _pages(tuple(path.values()), start, len(text), page_starts)


def _pages(
    path: tuple[str, ...], start: int, end: int, page_starts: tuple[int, ...]
) -> Iterator[_Section]:
    first, last = bisect_right(page_starts, start), bisect_right(page_starts, end)
    borders = [start, *page_starts[first:last], end]
    for number, (begin, stop) in enumerate(pairwise(borders), start=first):
        if begin < stop:
            yield _Section(path, number if page_starts else None, begin, stop)


def _headings(text: str) -> list[_Heading]:
    """The headings in order. One that nothing stands under is text: it is in no other's path."""
    found: list[_Heading] = []
    for start, end, is_code in _lines(text):
        match = None if is_code else _HEADING.fullmatch(text, start, end)
        if match is not None:
            title = match[2].replace("`", "").strip()[:MAX_HEADING_CHARS]
            found.append(_Heading(start, end, len(match[1]), title))
    after_last = _Heading(len(text), len(text), 0, "")
    return [
        heading
        for heading, following in pairwise([*found, after_last])
        if following.level > heading.level or text[heading.end : following.start].strip()
    ]


def _lines(text: str, start: int = 0, end: int | None = None) -> Iterator[tuple[int, int, bool]]:
    """Each line as (start, end with its break, whether it belongs to a code fence)."""
    fence = ""
    end = len(text) if end is None else end
    while start < end:
        line_end = text.find("\n", start, end) + 1 or end
        mark = _FENCE.match(text, start, line_end)
        if fence:
            is_close = mark is not None and mark[1].startswith(fence)
            is_close = is_close and not text[mark.end() if mark else 0 : line_end].strip()
            yield start, line_end, True
            fence = "" if is_close else fence
        else:
            fence = mark[1] if mark else ""
            yield start, line_end, bool(fence)
        start = line_end


def _blocks(text: str, section: _Section) -> Iterator[_Span]:
    """The runs of lines between empty ones; a fence is one block, whatever is in it."""
    start = previous_end = section.start
    was_code = False
    for line_start, line_end, is_code in _lines(text, section.start, section.end):
        is_gap = not is_code and not text[line_start:line_end].strip()
        if is_gap or (is_code != was_code):
            if span := _trim(text, start, previous_end, is_code=was_code):
                yield span
            start = line_end if is_gap else line_start
        previous_end, was_code = line_end, is_code
    if span := _trim(text, start, section.end, is_code=was_code):
        yield span


def _trim(text: str, start: int, end: int, *, is_code: bool) -> _Span | None:
    """The span without white space around it, or None when nothing else is in it."""
    part = text[start:end]
    stripped = part.strip()
    if not stripped:
        return None
    start += len(part) - len(part.lstrip())
    prose_or_rows = _ROW_CUTS if stripped.startswith("|") else _PROSE_CUTS
    return _Span(start, start + len(stripped), _CODE_CUTS if is_code else prose_or_rows)


def _count(
    text: str, spans: list[_Span], count_tokens: CountTokens, max_tokens: int
) -> list[_Span]:
    """The spans with their tokens; of those that must be cut anyway, the beginning is counted.

    A word that no tokenizer knows may be one token, whatever its length: characters count too.
    """
    n_most = MAX_CHARS_PER_TOKEN * max_tokens
    starts = [text[span.start : min(span.end, span.start + n_most)] for span in spans]
    counted: list[_Span] = []
    for span, n_tokens in zip(spans, count_tokens(starts) if starts else (), strict=True):
        n_chars = span.end - span.start
        by_tokens = n_tokens * n_chars // min(n_chars, n_most)
        counted.append(
            _Span(
                span.start,
                span.end,
                span.cuts,
                max(by_tokens, n_chars // MAX_CHARS_PER_TOKEN),
            )
        )
    return counted


def _split_long(
    text: str, spans: list[_Span], count_tokens: CountTokens, max_tokens: int
) -> dict[int, list[_Span]]:
    """For each block, by its start, the pieces that fit: mostly the block itself.

    All that is too long is cut at once and counted at once, with ever smaller targets.
    """
    done: dict[int, list[_Span]] = {span.start: [] for span in spans}
    waiting = [(span.start, span) for span in spans]
    shrink = 1.0
    while waiting:
        cut: list[tuple[int, _Span]] = []
        for block, span in waiting:
            if span.n_tokens <= max_tokens or span.end - span.start <= 1:
                done[block].append(span)
            else:
                cut += [(block, piece) for piece in _cut(text, span, max_tokens, shrink)]
        counted = _count(text, [piece for _, piece in cut], count_tokens, max_tokens)
        waiting = [(block, span) for (block, _), span in zip(cut, counted, strict=True)]
        shrink *= 0.7
    for pieces in done.values():
        pieces.sort(key=lambda span: span.start)
    return done


def _cut(text: str, span: _Span, max_tokens: int, shrink: float) -> Iterator[_Span]:
    """Pieces of a long block, at the best places for about the number of tokens allowed."""
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    part = text[span.start : span.end]
    # Equal pieces read better than full ones and a rest.
    n_pieces = -(-span.n_tokens // max(1, int(max_tokens * 0.95 * shrink)))
    n_chars = max(1, min(len(part) - 1, -(-len(part) // n_pieces)))
    splitter = RecursiveCharacterTextSplitter(
        chunk_size=n_chars,
        chunk_overlap=0,
        separators=list(span.cuts),
        is_separator_regex=True,
        keep_separator="end",
        strip_whitespace=True,
    )
    position = 0
    for piece in splitter.split_text(part):
        # Only white space lies between two pieces and none begins with it, so this finds the piece.
        position = part.index(piece, position)
        yield _Span(span.start + position, span.start + position + len(piece), span.cuts)
        position += len(piece)


def _pack(pieces: list[_Span], max_tokens: int) -> list[_Span]:
    """Neighbours joined while they fit; a short rest goes with the chunk before it."""
    packed: list[_Span] = []
    for piece in pieces:
        if packed and packed[-1].n_tokens + piece.n_tokens <= max_tokens:
            packed[-1] = _joined(packed[-1], piece)
        else:
            packed.append(piece)
    if len(packed) > 1 and packed[-1].n_tokens < MIN_TOKENS:
        last = packed.pop()
        if packed[-1].n_tokens + last.n_tokens <= max_tokens * STRETCH:
            packed[-1] = _joined(packed[-1], last)
        else:
            packed.append(last)
    return packed


def _joined(one: _Span, other: _Span) -> _Span:
    return _Span(one.start, other.end, one.cuts, one.n_tokens + other.n_tokens)


def table_header_at(text: str, start: int) -> str:
    """The first row of the Markdown table in the midst of which `start` lies, else empty.

    Rows say little without it; whoever embeds a chunk puts it in front.
    """
    if not text.startswith("|", start):
        return ""
    block = max(text.rfind("\n\n", 0, start), 0)
    found = _TABLE_HEADER.search(text, block, start)
    return found[1].strip()[:MAX_TABLE_HEADER_CHARS] if found else ""
