"""Characters that a reader cannot see, or that change how the rest is shown, kept out of answers.

What a model says is untrusted, and passages may hold such characters too: escape sequences would
drive a terminal, bidirectional overrides show a text in another order than it is stored, and tag
characters carry messages that only programs read.
"""

from __future__ import annotations

import re

# Controls but tab and line feed; the direction marks that open, override and isolate (the plain
# marks U+200E and U+200F stay: right-to-left text needs them); interlinear annotations; the byte
# order mark; surrogates, which no UTF-8 can carry; tags.
UNSEEN = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufff9-\ufffb\ufeff"
    "\ud800-\udfff\U000e0000-\U000e007f"
)
"""The inside of a character class."""

_UNSEEN = re.compile(f"(?:\x1b\\[|\x9b)[0-?]{{0,30}}[ -/]{{0,4}}[@-~]|[{UNSEEN}]")
_OPEN_ESCAPE = re.compile("(?:\x1b\\[?|(?:\x1b\\[|\x9b)[0-?]{0,30}[ -/]{0,4})\\Z")


class UnseenFilter:
    """Passes text on without what nobody sees; terminal escapes go whole, also when cut apart."""

    def __init__(self) -> None:
        self.held = ""

    def feed(self, text: str) -> str:
        """What of the text so far may be shown now."""
        buffer = self.held + text
        match = _OPEN_ESCAPE.search(buffer)
        cut = match.start() if match else len(buffer)
        self.held = buffer[cut:]
        return strip_unseen(buffer[:cut])

    def finish(self) -> str:
        """What was held back, at the end of the text."""
        held, self.held = self.held, ""
        return strip_unseen(held)


def strip_unseen(text: str) -> str:
    """`text` without controls, direction overrides, tag characters and terminal escapes."""
    return _UNSEEN.sub("", text)
