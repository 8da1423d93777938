"""How well the main text of real pages is found, what of documentation, and what odd PDFs give.

The pages and the text that people marked in them are those of extraction/; the score is computed by
the scorer that lies beside them. Everything runs in this process, without the pool of children.
Documentation comes from Debian packages; those that are not installed are named and left out.
"""

from __future__ import annotations

import gzip
import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.documentation import PAGES_PER_PACKAGE, measure_packages
from benchmarks.material import write_site
from benchmarks.report import CannotMeasure, Cell, Options, Table
from ingestion.errors import ExtractionError
from ingestion.extraction.kinds import HTML, PDF
from ingestion.extraction.registry import extract

_HEADING = re.compile(r"^#{1,6} ", re.MULTILINE)
_SCORE = re.compile(r"(precision|recall|F1|pages) ([\d.]+)")


def run(options: Options) -> list[Table]:
    return [
        _pages(options.data / "extraction"),
        measure_packages(options.scaled(PAGES_PER_PACKAGE)),
        _generated(options.scaled(60)),
        _pdfs(options.data / "pdfs"),
    ]


def _pages(folder: Path) -> Table:
    paths = sorted((folder / "html").glob("*.html.gz"))
    if not paths:
        raise CannotMeasure(f"{folder}/html holds no pages")
    bodies = {
        path.name.removesuffix(".html.gz"): gzip.decompress(path.read_bytes()) for path in paths
    }
    _text(next(iter(bodies.values())))  # loads the libraries
    started, started_cpu = time.perf_counter(), time.process_time()
    texts = {name: _text(body) for name, body in bodies.items()}
    cpu_ms = (time.process_time() - started_cpu) / len(texts) * 1000
    pages_per_s = len(texts) / (time.perf_counter() - started)
    score = _score(folder / "score.py", texts)
    shares = (score["precision"], score["recall"], score["F1"])
    columns = ("pages", "precision", "recall", "F1", "pages/s", "CPU ms/page")
    row = (int(score["pages"]), *shares, pages_per_s, cpu_ms)
    return Table("main text of web pages", columns, (row,))


def _generated(n_pages: int) -> Table:
    """The processor time for the pages of the ingestion benchmarks."""
    with tempfile.TemporaryDirectory() as folder:
        write_site(Path(folder), n_pages)
        bodies = [path.read_bytes() for path in sorted(Path(folder).iterdir())]
    started = time.process_time()
    n_chars = sum(len(_text(body)) for body in bodies)
    cpu_ms = (time.process_time() - started) / n_pages * 1000
    row = (n_pages, n_chars // n_pages, cpu_ms)
    return Table("generated pages", ("pages", "characters/page", "CPU ms/page"), (row,))


def _text(body: bytes) -> str:
    try:
        return extract(body, declared=HTML).text
    except ExtractionError:
        return ""


def _score(scorer: Path, texts: dict[str, str]) -> dict[str, float]:
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(texts, file)
        file.flush()
        printed = subprocess.run(
            [sys.executable, str(scorer), file.name], capture_output=True, text=True, check=True
        )
    return {name: float(value) for name, value in _SCORE.findall(printed.stdout)}


def _pdfs(folder: Path) -> Table:
    rows = tuple(_pdf_row(path) for path in sorted(folder.glob("*.pdf")))
    columns = ("file", "pages", "characters", "headings", "language", "s", "refused as")
    return Table("PDF files", columns, rows)


def _pdf_row(path: Path) -> tuple[Cell, ...]:
    body = path.read_bytes()
    started = time.perf_counter()
    try:
        document = extract(body, declared=PDF, name=path.name)
    except ExtractionError as exc:
        return path.name, None, None, None, None, time.perf_counter() - started, exc.code
    return (
        path.name,
        len(document.page_starts),
        len(document.text),
        len(_HEADING.findall(document.text)),
        document.language,
        time.perf_counter() - started,
        None,
    )
