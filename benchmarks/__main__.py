"""`python -m benchmarks [NAME ...]`: measures and prints; without names, everything."""

from __future__ import annotations

import argparse
import ast
import importlib
import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.report import CannotMeasure, Options, Table

ROOT = Path(__file__).resolve().parents[1]
# Name on the command line -> module with `run(options) -> list[Table]`.
BENCHMARKS = {
    "startup": "startup",
    "html": "website",
    "pdf": "pdf_files",
    "embedding": "embedding",
    "refresh": "refresh",
    "memory": "memory",
    "kills": "kills",
    "retrieval": "retrieval",
    "calibrate": "calibrate",
    "answers": "answers",
    "extraction": "extraction",
    "answering": "answering",
    "python-docs": "python_docs",
}


def load(name: str) -> Any:
    """The module behind a name of `BENCHMARKS`."""
    return importlib.import_module(f"benchmarks.{BENCHMARKS[name]}")


def main(arguments: Sequence[str] | None = None) -> int:
    args = _parser().parse_args(arguments)
    options = Options(
        data=args.data, docs=args.docs, pdf=args.pdf, runs=args.runs, size=args.size, out=args.out
    )
    is_complete = True
    results: dict[str, list[dict[str, Any]]] = {}
    for name in args.names or BENCHMARKS:
        try:
            tables: list[Table] = load(name).run(options)
        except CannotMeasure as exc:
            print(f"{name}: not measured: {exc}\n", file=sys.stderr)
            is_complete = False
            continue
        results[name] = [table.data() for table in tables]
        if not args.json:
            for table in tables:
                print(f"{name}: {table.text()}\n", flush=True)
    if args.json:
        print(json.dumps(results, indent=2, ensure_ascii=False))
    return 0 if is_complete else 1


def _parser() -> argparse.ArgumentParser:
    listed = "\n".join(f"  {name:12} {summary(name)}" for name in BENCHMARKS)
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=f"{__doc__}\n\n{listed}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", type=_name)
    parser.add_argument("--json", action="store_true", help="print JSON for programs")
    parser.add_argument("--runs", type=int, default=3, help="repetitions, where there are any")
    parser.add_argument("--size", type=float, default=1.0, help="share of the full work")
    parser.add_argument(
        "--data", type=Path, default=ROOT.parent / "shared" / "data", help="the labelled data"
    )
    parser.add_argument(
        "--docs", type=Path, default=Path("/usr/share/doc/python3.11/html"), help="python3-doc"
    )
    parser.add_argument("--pdf", type=Path, help="a PDF manual for python-docs")
    parser.add_argument("--out", type=Path, default=ROOT / "var" / "benchmarks")
    return parser


def _name(text: str) -> str:
    if text not in BENCHMARKS:
        raise argparse.ArgumentTypeError(f"one of {', '.join(BENCHMARKS)}, not {text!r}")
    return text


def summary(name: str) -> str:
    """The first sentence of a benchmark's docstring, read without importing it."""
    source = (Path(__file__).parent / f"{BENCHMARKS[name]}.py").read_text("utf-8")
    return (ast.get_docstring(ast.parse(source)) or "").split("\n", 1)[0]


if __name__ == "__main__":
    # SIGTERM ends the servers that a benchmark started, as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())
