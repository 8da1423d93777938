"""What stands between, before and after the paragraphs of an article and is not part of it.

Works on Markdown blocks whose links are still marked (`structure.LINK_START`, `LINK_END`): a label
such as "Read more" is a teaser only where links follow, and a heading over text is none.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from ingestion.extraction.structure import LINK_END, LINK_START

_LINK = re.compile(f"{LINK_START}[^{LINK_START}{LINK_END}]*{LINK_END}")
_MARKS = re.compile(f"[{LINK_START}{LINK_END}]")
_WORDS = re.compile(r"\w+")
_SENTENCE_END = re.compile(r"[.!?:…。\uff01\uff1f][\"'”\u2019»)\]]?$")

# Headings over other pages' teasers. A few languages; in others the share of links must do.
_TEASER_HEADING = re.compile(
    r"^\W*(?:"
    r"related|read (?:more|also|next)|see also|more:|more (?:from|on|stories|news|in)\b"
    r"|also (?:read|on)|don.t miss|you (?:may|might)\b|our latest|latest|trending|popular"
    r"|most (?:read|popular|viewed)|recommended|recent|top stories|explore|share"
    r"|comments?$|tags\b|leave a|about the author|sponsored|advert|sign up|subscribe"
    r"|newsletter|mehr (?:zum|von)|weitere|weiterlesen|das könnte|auch interessant"
    r"|ähnliche|verwandte|meistgelesen|kommentare?$|schlagw|teilen|lire aussi|à lire"
    r"|sur le même|artículos|notas rel|te puede|lo más|powiązane|czytaj|polecane"
    r"|leggi anche|vedi anche|関連"
    r")",
    re.IGNORECASE,
)
_TEASER_LABEL = re.compile(
    r"^\W*(?:"
    r"related|read|see (?:also|more)|more|also|don.t miss|watch|recommended|you (?:may"
    r"|might)|explore"
    r"|next|continue|lea|leia|lire|mehr|lesen|auch|zum thema|passend|weitere|czytaj|leggi"
    r"|à lire|voir|mira"
    r")\b",
    re.IGNORECASE,
)
_CLOSING = re.compile(
    r"^\W*(?:"
    r"follow (?:us|me|him|her|them|\w+ (?:\w+ )?on)\b|subscribe|sign up|copyright|©"
    r"|all rights|have a tip|get the latest|filed under|tags?:|share (?:this|on)|like us"
    r"|join (?:us|our)|citation:|read more|comments?$|leave a (?:reply|comment)|about the author"
    r"|posted (?:in|by)\b|advertisement|(?:photo|image|foto|bild)s?(?: by| credit)?:"
    r"|(?:source|quelle|źródło|crédits?[^:]{0,20}):|click here|explore further"
    r"|this document is subject"
    r")",
    re.IGNORECASE,
)
_CLOSING_ANYWHERE = re.compile(
    r"\b(?:follow|subscrib\w+|sign up|tweet)\b.{0,80}"
    r"(?:twitter|facebook|instagram|newsletter|telegram|youtube|@)"
    r"|\baffiliate\b|get a share of the sale|earn (?:a|an)[\w ]{0,20} commission"
    r"|all rights reserved|may not be (?:published|reproduced)",
    re.IGNORECASE | re.DOTALL,
)
_MAX_HEADING_CHARS = 90
_MAX_LABEL_CHARS = 250
_MAX_BEFORE_TITLE_CHARS = 1_500
_MAX_TITLE_CHARS = 300


class _Block(NamedTuple):
    """`linked` is the share of the text that stands in links."""

    text: str
    linked: float

    @property
    def is_heading(self) -> bool:
        return self.text.startswith("#")

    @property
    def is_structure(self) -> bool:
        return self.text.startswith(("```", "|"))


def trim_blocks(marked: list[str], title: str) -> list[str]:
    """The blocks of an article alone, without link marks."""
    blocks = [_Block(without_marks(one), _linked_share(one)) for one in marked]
    blocks = _from_title(blocks, title)
    blocks = _without_teasers(blocks)
    blocks = blocks[_n_leading(blocks) :]
    while len(blocks) > 2 and _is_closing(blocks[-1]):
        blocks.pop()
    return [block.text for block in blocks]


def without_marks(block: str) -> str:
    """The block without its link marks."""
    return _MARKS.sub("", block)


def _linked_share(marked: str) -> float:
    if LINK_START not in marked:
        return 0.0
    return sum(map(len, _LINK.findall(marked))) / len(marked)


def _from_title(blocks: list[_Block], title: str) -> list[_Block]:
    """Without the title and what stands before it: the document has its title already."""
    lengths = [len(block.text) for block in blocks]
    for position, block in enumerate(blocks[:15]):
        n_before = sum(lengths[:position])
        if n_before > min(_MAX_BEFORE_TITLE_CHARS, sum(lengths) / 4):
            break
        if (block.text.startswith("# ") or position == 0) and _is_title(block.text, title):
            return blocks[position + 1 :]
    return blocks


def _is_title(text: str, title: str) -> bool:
    """True when one of them is the other with little around it, such as the name of the site."""
    short, long = sorted((_bare(text), _bare(title)), key=len)
    if len(text) > _MAX_TITLE_CHARS or not short:
        return False
    return f" {short} " in f" {long} " and 2 * len(short) >= len(long)


def _bare(text: str) -> str:
    return " ".join(_WORDS.findall(text.lower()))


def _without_teasers(blocks: list[_Block]) -> list[_Block]:
    kept: list[_Block] = []
    is_skipping = False
    for position, block in enumerate(blocks):
        if _is_teaser_heading(block):
            following = blocks[position + 1] if position + 1 < len(blocks) else None
            if not block.is_heading or following is None or _is_teaser(following):
                is_skipping = True
                continue
        if is_skipping and _is_teaser(block):
            continue
        is_skipping = False
        is_label = len(block.text) < _MAX_LABEL_CHARS and _TEASER_LABEL.match(block.text)
        if (is_label and block.linked > 0.35) or _is_shouted(block):
            continue
        kept.append(block)
    return kept


def _is_teaser_heading(block: _Block) -> bool:
    is_short = len(block.text) < _MAX_HEADING_CHARS
    is_label = block.is_heading or not block.text.endswith(".")
    return is_short and is_label and bool(_TEASER_HEADING.match(block.text))


def _is_teaser(block: _Block) -> bool:
    return block.linked > 0.5 or (block.text.startswith("- ") and block.linked > 0.2)


def _is_shouted(block: _Block) -> bool:
    """True for a link in capitals between two paragraphs, which some papers use as a teaser."""
    text = block.text
    return block.linked > 0.9 and len(text) > 20 and text.isupper()


def _n_leading(blocks: list[_Block]) -> int:
    """How many blocks at the start are dates, names and labels: short, and no sentence."""
    for position, block in enumerate(blocks[:6]):
        is_label = len(block.text) < 80 and not _SENTENCE_END.search(block.text)
        if not is_label or block.is_heading or block.is_structure or block.text.startswith("- "):
            return position
    return 0 if len(blocks) <= 6 else 6


def _is_closing(block: _Block) -> bool:
    if block.is_structure:
        return False
    if block.is_heading or (len(block.text) < 50 and block.linked > 0):
        return True
    if len(block.text) < 400 and (block.linked > 0.6 or _CLOSING_ANYWHERE.search(block.text)):
        return True
    return len(block.text) < 500 and bool(_CLOSING.match(block.text))
