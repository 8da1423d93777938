"""The main job on real input: questions on the Python documentation, and which page is cited.

Serves the files of python3-doc, indexes 300 of their pages with `create_bot` beside a fresh server
that quotes (no language model), and asks. With `--pdf`, three questions on the Developer's
Reference follow, whose right answer is a page number.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks import servers
from benchmarks.instance import Rest, served_instance
from benchmarks.report import CannotMeasure, Options, Table

MAX_PAGES = 300


@dataclass(frozen=True, slots=True)
class Question:
    """`places` are the paths, or the page numbers of a PDF, that hold the answer."""

    text: str
    places: tuple[str, ...]


# All on the library reference: breadth first, 300 pages from the front page hold most of it, while
# the chapters of the tutorial come later.
QUESTIONS = (
    Question("How do I parse a JSON string into a Python object?", ("library/json.html",)),
    Question("How do I create a virtual environment?", ("library/venv.html",)),
    Question("How do I read the rows of a CSV file?", ("library/csv.html",)),
    Question("How do I get a random integer between two numbers?", ("library/random.html",)),
    Question("How do I delete a whole directory tree?", ("library/shutil.html",)),
    Question("How do I run a command and capture its output?", ("library/subprocess.html",)),
    Question("How do I find all matches of a regular expression?", ("library/re.html",)),
    Question("How do I make a dataclass immutable?", ("library/dataclasses.html",)),
    Question("How do I count how often each element occurs?", ("library/collections.html",)),
    Question(
        "How do I create a temporary file that is deleted when it is closed?",
        ("library/tempfile.html",),
    ),
)
# The Debian Developer's Reference, pages counted from the first of the file as viewers do.
PDF_QUESTIONS = (
    Question("How do I orphan a package that I can no longer maintain?", ("52",)),
    Question("What should the subject of the mail be when I go on vacation?", ("20",)),
    Question("What is package salvaging?", ("61",)),
)


def run(options: Options) -> list[Table]:
    """What was indexed, then one row for each question."""
    if not (options.docs / "index.html").exists():
        raise CannotMeasure(f"{options.docs} holds no documentation (Debian: python3-doc)")
    with servers.site(options.docs) as site, _instance(site) as (instance, rest):
        n_pages = options.scaled(MAX_PAGES)
        arguments = ("--url", f"{site}/", "--max-pages", str(n_pages))
        started = time.perf_counter()
        bot = json.loads(instance.manage("create_bot", "Python", *arguments, "--wait", "--json"))
        elapsed_s = time.perf_counter() - started
        indexed = instance.query("SELECT url FROM ingestion_document")
        paths = {_path(url) for (url,) in indexed}
        tables = [
            _indexing(bot, instance.n_chunks(), elapsed_s),
            _asked("questions on web pages", rest, bot["id"], QUESTIONS, _path_of, paths),
        ]
        if options.pdf is not None:
            tables += _pdf(rest, options.pdf)
    return tables


def _instance(site: str) -> Any:
    return served_instance(
        ENGINE_KIND="extractive",
        BOTFACTORY_ALLOWED_NETWORKS="127.0.0.0/8",
        BOTFACTORY_ALLOWED_PORTS=f"80,443,{urlsplit(site).port}",
    )


def _indexing(bot: dict[str, Any], n_chunks: int, elapsed_s: float) -> Table:
    counts = bot["sources"][0]["counts"]
    row = (*counts.values(), n_chunks, elapsed_s, n_chunks / elapsed_s)
    columns = (*(f"pages {name}" for name in counts), "chunks", "seconds", "chunks/s")
    return Table("create_bot --wait", columns, (row,))


def _pdf(rest: Rest, path: Path) -> list[Table]:
    bot = rest.call("POST", "/api/v1/bots/", {"name": "Manual"})
    source = rest.add_files(bot["id"], {path.name: path.read_bytes()})
    _, elapsed_s = rest.wait_until_ready(bot["id"], source["id"])
    title = f"questions on {path.name}, indexed in {elapsed_s:.1f} s"
    return [_asked(title, rest, bot["id"], PDF_QUESTIONS, _page_of, None)]


def _asked(
    title: str,
    rest: Rest,
    bot_id: str,
    questions: Sequence[Question],
    place_of: Callable[[dict[str, Any]], str],
    known: set[str] | None,
) -> Table:
    rows = [_row(rest, bot_id, one, place_of, known) for one in questions]
    n_first = sum(row[3] == "right" for row in rows)
    n_any = sum(row[4] == "right" for row in rows)
    summary = f"{title}: {n_first} of {len(rows)} right by first citation, {n_any} by any"
    columns = ("question", "expected", "cited", "first", "any", "answer")
    return Table(summary, columns, tuple(rows))


def _row(
    rest: Rest,
    bot_id: str,
    question: Question,
    place_of: Callable[[dict[str, Any]], str],
    known: set[str] | None,
) -> tuple[str, ...]:
    path = f"/api/v1/bots/{bot_id}/chat/"
    message = rest.call("POST", path, {"message": question.text})["message"]
    # In the order in which the answer names them, which is not that of their numbers.
    citations = sorted(message["citations"], key=lambda one: message["text"].find(f"[{one['n']}]"))
    cited = tuple(dict.fromkeys(place_of(citation) for citation in citations))
    expected = " or ".join(question.places)
    if known is not None and known.isdisjoint(question.places):
        expected += " (not among the indexed pages)"
    is_first = bool(cited) and cited[0] in question.places
    is_any = not set(cited).isdisjoint(question.places)
    verdicts = ("right" if is_first else "wrong", "right" if is_any else "wrong")
    return question.text, expected, ", ".join(cited) or "nothing", *verdicts, message["text"]


def _path_of(citation: dict[str, Any]) -> str:
    return _path(citation["url"])


def _path(url: str) -> str:
    return urlsplit(url).path.lstrip("/")


def _page_of(citation: dict[str, Any]) -> str:
    return str(citation["page"])
