"""The child process that renders chat templates: a template is a program that its owner wrote.

It reads one JSON object a line from stdin and answers with one, until stdin closes. Started as a
file and not as a module, it imports nothing of BotFactory, and it sees no environment. The kernel
ends it when one rendering takes too much processor time or memory.
"""

from __future__ import annotations

import json
import resource
import signal
import sys
from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime
from types import TracebackType
from typing import Any

import jinja2
import jinja2.exceptions
import jinja2.ext
import jinja2.nodes
import jinja2.parser
import jinja2.sandbox

MAX_MEMORY_BYTES = 400_000_000
MAX_OUTPUT_CHARS = 4_000_000
CPU_S = 1.0
REMEMBERED_TEMPLATES = 32
MAX_SAID_CHARS = 200

_FILE_NAME = "<template>"
# What a template's own expressions may end in; anything else ends the process.
_OWN_FAULTS = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)

Answer = dict[str, object]


class TemplateRefused(Exception):
    """The template itself called `raise_exception`."""


class _Generation(jinja2.ext.Extension):
    """`{% generation %}`: marks the assistant's text for training, and changes nothing here."""

    tags = {"generation"}

    def parse(self, parser: jinja2.parser.Parser) -> list[jinja2.nodes.Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


def open_environment() -> jinja2.sandbox.ImmutableSandboxedEnvironment:
    """The environment that model makers write chat templates for."""
    environment = jinja2.sandbox.ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols", _Generation]
    )
    environment.filters["tojson"] = _to_json
    environment.globals["raise_exception"] = _raise_exception
    environment.globals["strftime_now"] = _strftime_now
    return environment


def _to_json(value: object, indent: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent)


def _raise_exception(message: object = "") -> None:
    raise TemplateRefused(str(message)[:MAX_SAID_CHARS])


def _strftime_now(form: str) -> str:
    return datetime.now().strftime(form)


class Templates:
    """Renders requests; remembers compiled templates."""

    def __init__(self) -> None:
        self._environment = open_environment()
        self._compiled: OrderedDict[str, jinja2.Template] = OrderedDict()

    def answer(self, request: Mapping[str, Any]) -> Answer:
        """`{"text"}`, or `{"problem", "line", "said"}`; the parent puts problems into words."""
        try:
            template = self._compile(request["source"])
            return _render(template, request["variables"])
        except jinja2.TemplateAssertionError as exc:  # a filter, a test or a block
            return {"problem": "unknown_name", "line": exc.lineno}
        except jinja2.TemplateSyntaxError as exc:
            return {"problem": "syntax", "line": exc.lineno}
        except (jinja2.TemplateRuntimeError, *_OWN_FAULTS, TemplateRefused) as exc:
            return _problem(exc)
        except (MemoryError, RecursionError):
            return {"problem": "limit"}

    def _compile(self, source: str) -> jinja2.Template:
        if source not in self._compiled:
            self._compiled[source] = self._environment.from_string(source)
            if len(self._compiled) > REMEMBERED_TEMPLATES:
                self._compiled.popitem(last=False)
        self._compiled.move_to_end(source)
        return self._compiled[source]


def _render(template: jinja2.Template, variables: Mapping[str, Any]) -> Answer:
    parts: list[str] = []
    size = 0
    for part in template.generate(**variables):
        parts.append(part)
        size += len(part)
        if size > MAX_OUTPUT_CHARS:
            return {"problem": "limit"}
    return {"text": "".join(parts)}


def _problem(exc: Exception) -> Answer:
    line = _line_of(exc.__traceback__)
    if isinstance(exc, TemplateRefused):
        return {"problem": "refused", "line": line, "said": str(exc)}
    if isinstance(exc, jinja2.exceptions.SecurityError):
        return {"problem": "forbidden", "line": line}
    if isinstance(exc, jinja2.UndefinedError):
        return {"problem": "undefined", "line": line}
    if type(exc) is jinja2.TemplateRuntimeError:  # inside a condition it is looked up when it runs
        return {"problem": "unknown_name", "line": line}
    if isinstance(exc, OverflowError):  # the sandbox's word for a range that is too long
        return {"problem": "limit", "line": line}
    return {"problem": "failed", "line": line}


def _line_of(trace: TracebackType | None) -> int | None:
    """The template's last line on the way to the fault; Jinja writes its lines into traces."""
    line = None
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == _FILE_NAME:
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def limit_process() -> None:
    """Memory for good; no files, no core dumps. Processor time is set for each rendering."""
    for kind, most in (
        (resource.RLIMIT_AS, MAX_MEMORY_BYTES),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NPROC, 0),
    ):
        hard = resource.getrlimit(kind)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (most, most))


def main() -> None:
    templates = Templates()
    limit_process()
    for line in sys.stdin.buffer:
        signal.setitimer(signal.ITIMER_PROF, CPU_S)  # its signal ends the process
        answer = templates.answer(json.loads(line))
        signal.setitimer(signal.ITIMER_PROF, 0)
        sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
