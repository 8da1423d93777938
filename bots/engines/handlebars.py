"""HuggingChat's prompt templates were Handlebars with two helpers of its own: as Jinja.

Only the constructs that its documentation shows are translated; anything else is refused by name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from bots.engines.errors import ModelsEntryInvalid

_TAG = re.compile(r"\{\{\{?\s*(?P<inside>[^{}]*?)\s*\}?\}\}")
# A block's tag alone on its line takes the line with it.
_STANDALONE = re.compile(
    r"^[ \t]*(\{\{\s*(?:[#/][^{}]*|else)\s*\}\})[ \t]*(?:\r?\n|\Z)", re.MULTILINE
)
_ROOT = re.compile(r"(?:@root\.)?(?P<name>[A-Za-z]+)")
_OPENERS = {
    "#ifUser": "{% if message['role'] == 'user' %}",
    "#ifAssistant": "{% if message['role'] == 'assistant' %}",
    "#ifSystem": "{% if message['role'] == 'system' %}",
}
_CONDITIONS = {"@first": "loop.first", "@last": "loop.last", "content": "message['content']"}
# The system text is ours and comes at the place of the preprompt, as it did there.
_PRELUDE = (
    "{% set system = messages[0]['content'] if messages[0]['role'] == 'system' else '' %}"
    "{% set turns = messages[1:] if messages[0]['role'] == 'system' else messages %}"
)


def to_jinja(source: str, root: Mapping[str, str], where: str) -> str:
    """The template as Jinja, with the values of `root` written out. Raises ModelsEntryInvalid."""
    source = _STANDALONE.sub(r"\1", source)
    parts = [_PRELUDE]
    opened: list[str] = []
    at = 0
    for match in _TAG.finditer(source):
        parts.append(_literal(source[at : match.start()], where))
        parts.append(_tag(match.group("inside"), opened, root, where))
        at = match.end()
    parts.append(_literal(source[at:], where))
    if opened:
        raise _unsupported(where, opened[-1])
    return "".join(parts)


def _literal(text: str, where: str) -> str:
    if any(mark in text for mark in ("{{", "{%", "{#", "}}")):
        raise _unsupported(where, text.strip()[:40])
    # Jinja trims what stands around its statements; written as a value, text stays as it is.
    return f"{{{{ {_value(text)} }}}}" if text else ""


def _tag(inside: str, opened: list[str], root: Mapping[str, str], where: str) -> str:
    if inside in ("#each messages", "#each @root.messages"):
        opened.append("each")
        return "{% for message in turns %}"
    if inside in _OPENERS:
        opened.append(inside[1:])
        return _OPENERS[inside]
    if inside.startswith("#if "):
        opened.append("if")
        return f"{{% if {_condition(inside[4:].strip(), opened, root, where)} %}}"
    if inside == "else" and opened and opened[-1] != "each":
        return "{% else %}"
    if inside.startswith("/") and opened and opened[-1] == inside[1:]:
        return "{% endfor %}" if opened.pop() == "each" else "{% endif %}"
    return f"{{{{ {_expression(inside, opened, root, where)} }}}}"


def _condition(name: str, opened: list[str], root: Mapping[str, str], where: str) -> str:
    if "each" in opened and name in _CONDITIONS:
        return _CONDITIONS[name]
    return _expression(name, opened, root, where)


def _expression(name: str, opened: list[str], root: Mapping[str, str], where: str) -> str:
    if name in ("content", "this.content") and "each" in opened:
        return "message['content']"
    match = _ROOT.fullmatch(name)
    known = match.group("name") if match else ""
    if known == "preprompt":
        return f"({_value(root['preprompt'])} + system)"
    if known in root:
        return _value(root[known])
    raise _unsupported(where, name)


def _value(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _unsupported(where: str, what: str) -> ModelsEntryInvalid:
    return ModelsEntryInvalid(
        f'{where}: chatPromptTemplate uses "{what[:40]}", which cannot be taken over. Write the '
        "template as Jinja."
    )
