"""Makes a follow-up question standalone by rule, so that retrieval knows what "it" is.

What a question leans on is told by words alone: pronouns that nothing in the question explains,
openings such as "and in", and questions too short to name a thing. The rules are for English and,
by their most frequent words, for a few other languages (`_OPENINGS`, `_POINTERS`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from bots.answering.smalltalk import is_small_talk
from bots.engines.base import ChatTurn

MAX_FOLLOW_UP_WORDS = 14
# A pronoun behind so many words of content is explained by the question itself.
EXPLAINED_BY = 2
MAX_BARE_WORDS = 3

# A question that opens like this goes on with what was said.
_OPENINGS = re.compile(
    r"^\W*(?:and|but|or|so|also|then|what about|how about|what if|why not|how so|how come|"
    r"more|for example|e\.g\.|really|which ones?|what else|who else|where else|anything else"
    r"|und|aber|oder|was ist mit|wie ist es mit|et|mais|ou bien|et pour|y|pero|e|ma|mas|en|maar|"
    r"ve|peki|и|а|но|або|та)\b(?!\s*/)",  # noqa: RUF001
    re.IGNORECASE,
)
# Words that stand for something said before.
_POINTERS = re.compile(
    r"\b(?:it|its|they|them|their|theirs|this|these|those|he|she|him|her|his|hers|there|"
    r"that(?=\W*$)|(?:do|does|did|is|was|of|about|with|for|to|like|than|after|before|at|from|can|"
    r"will|would) that(?! \w+ (?:is|are|was|were)\b)|"
    r"(?:the|this|that|which|another|other) ones?|"
    r"(?:another|the (?:same|former|latter|other|others|rest))(?=\W*$)|"
    r"(?:the )?(?:first|second|third|fourth|fifth|last) (?:one|option|point)|"
    r"(?:the )?(?:first|second|third|fourth|fifth|last)(?=\W*$)|both(?=\W*$)|"
    r"above|previous|instead|"
    r"davon|damit|dafür|dabei|dazu|dort|diese[rsmn]?|ihn|ihm|"
    r"celui-ci|celle-ci|ceux-ci|cela|ça|"
    r"eso|esto|ese|esa|ello|allí|ellos|quello|questa|questo|isso|isto|"
    r"его|её|ее|их|это|там|його|її|їх|це)\b",  # noqa: RUF001
    re.IGNORECASE,
)
# Where those words point at nothing before: "is it possible", "there are", "this site", ...
_EXPLETIVES = re.compile(
    r"\b(?:is|was|will|would|does|can|could|if|when) it (?:be )?(?:possible|allowed|necessary|"
    r"required|safe|legal|true|better|worth|ok|okay|mandatory|free|take|cost|mean)\b(?= \w)|"
    r"\b(?:it|that) (?:is|was) (?:possible|allowed|necessary|true)\b|"
    r"\bhow (?:long|much) (?:does|will|would|did) it (?:take|cost) (?:to|for|until)\b|"
    r"\b(?:is|are|was|were|will|do|does|should|must) there(?: be)?\b|\bthere (?:is|are|was|were)\b|"
    r"\b(?:this|that) (?:web ?site|site|page|shop|store|company|bot|chat|app|service|document|"
    r"manual|guide|year|month|week)\b|\b(?:so|such|the ones?|those|that|this) (?:that|who|which)\b|"
    r"\b(?<=\w )that\b(?= (?:i|you|we|they|he|she|it|the|a|an|is|are|was|were|has|have|can|do|does)"
    r"\b)|\bone of the\b",
    re.IGNORECASE,
)
_PREPOSITIONS = re.compile(
    r"^\W*(?:in|on|at|for|with|without|from|to|by|during|after|before|until|since|under|over|only|"
    r"für|mit|ohne|ab|bei|nach|pour|avec|sans|para|con|sin|per|senza|com|sem|voor|met|zonder)\b",
    re.IGNORECASE,
)
# Whole questions that name no thing at all.
_BARE = re.compile(
    r"^\W*(?:how|when|where|who|what|which|how much|how many|how long|how often|how far|since when|"
    r"until when|from when|what for|how much is|how exactly|at what time|"
    r"is (?:it|that) (?:free|true|possible|safe|allowed)|"
    r"why|why is that|wie|wann|wo|wer|was|welche|wie viel|wie lange|wie oft|warum|wieso|ab wann|"
    r"bis wann|"
    r"comment|quand|où|qui|combien|pourquoi|cómo|cuándo|dónde|quién|cuánto|por qué|"
    r"come|quando|dove|chi|quanto|perché|как|когда|где|кто|сколько|почему)\W*$",
    re.IGNORECASE,
)
# Words that hold no topic, so that what stands before a pronoun can be weighed.
_EMPTY_WORDS = (
    "a an the i you we my your our me us to of in on at for with from by and or if when how what "
    "which who where why do does did is are was were be been can could will would should must may "
    "have has had not no any some please tell get use need want das der die den dem was wie wer wo "
    "ist sind kann ich man es ein eine que quoi qui est le la les un une el los las de du"
)
_EMPTY = frozenset(_EMPTY_WORDS.split())
_ORDINALS = {
    "first": 0, "second": 1, "third": 2, "fourth": 3, "fifth": 4, "last": -1,
    "1st": 0, "2nd": 1, "3rd": 2,
}  # fmt: skip
_ORDINAL = re.compile(rf"\b(?:the )?({'|'.join(_ORDINALS)})(?: one| option| point)?\b", re.I)
_ITEM = re.compile(r"^\s*(?:[-*\u2022]|\d{1,2}[.)])\s+(\S.*)$", re.MULTILINE)


def standalone_query(question: str, turns: Sequence[ChatTurn]) -> str:
    """`question`, preceded by what it leans on; unchanged where it stands alone.

    That is the visitor's latest question that stood alone and what the latest follow-up added to
    it, or the item of a list that the bot gave.
    """
    if not needs_rewriting(question, turns):
        return question
    if (item := _named_item(question, turns)) is not None:
        return f"{item}\n{question}"
    asked = _asked(turns)
    topic = next((text for text in reversed(asked) if not is_follow_up(text)), asked[0])
    lines = [topic]
    if asked[-1] != topic and _content(asked[-1]) - _content(topic):
        lines.append(asked[-1])
    return "\n".join([*lines, question])


def needs_rewriting(question: str, turns: Sequence[ChatTurn]) -> bool:
    """Whether the question cannot be searched for without what was said before."""
    return is_follow_up(question) and bool(_asked(turns))


def _asked(turns: Sequence[ChatTurn]) -> list[str]:
    """What the visitor asked, oldest first: thanks and greetings are no topics."""
    said = (turn.text for turn in turns if turn.role == "user")
    return [text for text in said if not is_small_talk(text)]


def is_follow_up(question: str) -> bool:
    """Whether a short question leans on what was said before it."""
    words = question.split()
    if len(words) > MAX_FOLLOW_UP_WORDS:
        return False
    if _OPENINGS.match(question) or _BARE.match(question):
        return True
    if _PREPOSITIONS.match(question) and len(words) <= MAX_BARE_WORDS:
        return True
    return _points_back(question)


def _points_back(question: str) -> bool:
    told = _EXPLETIVES.sub(" ", question)
    found = _POINTERS.search(told)
    return found is not None and len(_content(told[: found.start()])) < EXPLAINED_BY


def _content(text: str) -> set[str]:
    """The words that could name a topic."""
    words = set(re.findall(r"[^\W_]{2,}", text.casefold()))
    return words - _EMPTY - set(_POINTERS.findall(text.casefold()))


def _named_item(question: str, turns: Sequence[ChatTurn]) -> str | None:
    """What "the second one" is in the list that the bot gave last; None where there is none."""
    found = _ORDINAL.search(question)
    answer = next((turn.text for turn in reversed(turns) if turn.role == "assistant"), "")
    items = _ITEM.findall(answer)
    if found is None or not items:
        return None
    place = _ORDINALS[found[1].lower()]
    return str(items[place]) if place < len(items) else None
