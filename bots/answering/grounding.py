"""Citations: every [n] maps to a passage that was sent; invented numbers never reach the reader."""

from __future__ import annotations

import re
from collections.abc import Collection

from bots.answering.unseen import UNSEEN, UnseenFilter

# What engines write: "[1]", "[1, 2]", "[1-3]", "[Passage 1]", "[[1]]", "[^1]", "【1†source】" and
# "(Passage 1)". A bare "(1)" is an enumeration, "[0, 1]" an interval and "[2024]" a year.
_LABEL = (
    "(?i:passages?|sources?|documents?|docs?|references?|refs?|citations?|excerpts?|"
    "quellen?|passagen|extraits?|fuentes?|fonti|fonte)"
)
_ITEM = rf"(?:{_LABEL}[ .:#]{{0,2}})?\d{{1,2}}"
_BETWEEN = r" ?(?:[,;&\u2013\u2014-]|and|und|et) ?"
_LIST = rf"{_ITEM}(?:{_BETWEEN}{_ITEM}){{0,9}}"
_URL = r"(?:https?:|#|/)[^()\s]{0,300}"
_NOTE = r"\u2020[^\u3011\n]{0,40}"
_CITATION = (
    rf"[ \t]?(?:\[\[{_LIST}\]\]|\[\^?{_LIST}\](?:\({_URL}\))?|"
    rf"\u3010{_LIST}(?:{_NOTE})?\u3011|\uff3b{_LIST}\uff3d|\([Pp]assages? {_LIST}\))"
)
# What all of it begins with: looking for that first is several times faster.
_OPENING = r"(?=[`\n: \t\[(\u3010\uff3b])"
_TOKEN = re.compile(
    rf"{_OPENING}(?:(?P<ticks>`+)|(?P<blank>\n\s*\n)|(?P<url>://[^\s()<>\"`]*)|(?P<citation>{_CITATION}))"
)
_REST_OF_URL = re.compile(r"[^\s()<>\"`]*")
_NUMBER = re.compile(r"\d{1,2}|[\u2013\u2014-]")
_AFTER_NUMBERS = re.compile(r"\]\(|\u2020")

# The same forms as far as they may have come.
_LETTERS = r"[^\W\d_]{0,10}"
_OPEN_LIST = (
    rf"(?:{_ITEM}{_BETWEEN}){{0,9}}"
    rf"{_LETTERS}[ .:#]{{0,2}}(?:\d{{1,2}} ?(?:[,;&\u2013\u2014-]|[a-z]{{1,3}})? ?)?"
)
_OPEN_URL = r"(?:h(?:t(?:t(?:ps?)?)?)?|(?:https?:|#|/)[^()\s]{0,300})?"
_OPEN_CITATION = (
    rf"\[\[{_LIST}\]|\[\^?{_LIST}\](?:\({_OPEN_URL})?|\[{{1,2}}\^?{_OPEN_LIST}|"
    rf"\u3010{_OPEN_LIST}(?:{_NOTE})?|\uff3b{_OPEN_LIST}|\((?:[Pp][a-z]{{0,7}} ?{_OPEN_LIST})?"
)
_UNDECIDED = re.compile(rf"{_OPENING}(?:`+|\n\s*|:/?|[ \t]?(?:{_OPEN_CITATION})?)\Z")
# Text without any of these is passed on as it is: nearly every token of an answer.
_MATTERS = re.compile(rf"[\[(`\n:\u3010\uff3b{UNSEEN}]")
_SPACES = (" ", "\t")


class CitationFilter:
    """Passes text on, drops citations of unknown passages, and remembers the known ones.

    Known citations come out as `[1][2]`, whatever form the engine gave them. Code and addresses
    are left as they are: `items[0]` cites nothing. What nobody can see is dropped (`unseen`).
    Feed it deltas in order, cut anywhere; it holds back only what may still become a citation,
    the mark of code, an address or a blank line.
    """

    def __init__(self, known: Collection[int]) -> None:
        self._known = frozenset(known)
        self._unseen = UnseenFilter()
        self._held = ""
        self._fence = ""
        self._is_in_url = False
        self._is_between = True  # nothing is held, no address goes on
        self.cited: list[int] = []

    def feed(self, text: str) -> str:
        """What of the text so far may be shown now."""
        if self._is_between and _MATTERS.search(text) is None and text[-1:] not in _SPACES:
            return text
        buffer = self._held + self._unseen.feed(text)
        match = _UNDECIDED.search(buffer)
        cut = match.start() if match else len(buffer)
        self._held = buffer[cut:]
        shown = self._replace(buffer[:cut])
        self._is_between = not (self._held or self._is_in_url or self._unseen.held)
        return shown

    def finish(self) -> str:
        """What was held back, at the end of the text."""
        held, self._held = self._held + self._unseen.finish(), ""
        return self._replace(held)

    def _replace(self, text: str) -> str:
        start = 0
        if self._is_in_url and text:
            rest = _REST_OF_URL.match(text)
            start = rest.end() if rest else 0
            self._is_in_url = start == len(text)
        return text[:start] + _TOKEN.sub(self._replace_token, text[start:])

    def _replace_token(self, match: re.Match[str]) -> str:
        match match.lastgroup:
            case "ticks":
                self._toggle_code(match[0])
            case "blank":
                # A blank line ends inline code that was never closed.
                self._fence = self._fence if len(self._fence) >= 3 else ""
            case "url":
                self._is_in_url = match.end() == len(match.string)
            case _ if not self._fence:
                return self._keep_known(match[0])
        return match[0]

    def _toggle_code(self, backticks: str) -> None:
        if not self._fence:
            self._fence = backticks
        elif self._fence == backticks:
            self._fence = ""

    def _keep_known(self, citation: str) -> str:
        numbers = _numbers_of(citation)
        if 0 in numbers:
            return citation
        known = [number for number in numbers if number in self._known]
        self.cited += [number for number in known if number not in self.cited]
        if not known:
            return ""
        space = citation[0] if citation[0] in " \t" else ""
        return space + "".join(f"[{number}]" for number in known)


def _numbers_of(citation: str) -> list[int]:
    """The numbers that it names, each once; those of ranges written out."""
    numbers: list[int] = []
    is_range = False
    for found in _NUMBER.findall(_AFTER_NUMBERS.split(citation)[0]):
        if not found.isdigit():
            is_range = True
            continue
        number = int(found)
        numbers += range(numbers[-1] + 1, number + 1) if is_range and numbers else [number]
        is_range = False
    return list(dict.fromkeys(numbers))
