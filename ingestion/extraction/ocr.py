"""Text recognition for PDF pages that are pictures, by the program `tesseract` where there is one.

The program runs as a child of the extraction worker and under its limits; page and time budgets
keep one long scan from occupying it for an hour.
"""

from __future__ import annotations

import math
import resource
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pypdfium2

PROGRAM = "tesseract"
MAX_PAGES = 200
MAX_PAGE_S = 60.0
# What tesseract is trained on, and what a sheet larger than A3 is scaled down to.
POINTS_PER_INCH = 72
RESOLUTION_DPI = 300
MAX_PIXELS = 12_000_000
MAX_SIDE_PIXELS = 10_000
MIN_SIDE_PIXELS = 16
MAX_TEXT_BYTES = 200_000

# Columns are found, and pages that lie on their side are turned.
_PAGE_LAYOUT = "1"


@dataclass(slots=True)
class TextRecognition:
    """Reads pages in `languages`, tesseract's names such as `eng`, until `budget_s` are spent."""

    languages: tuple[str, ...]
    budget_s: float
    n_pages: int = 0
    _started_s: float = field(default_factory=time.monotonic)

    def read_page(self, page: pypdfium2.PdfPage) -> str:
        """The text of a page, empty where none was recognised or the budget is spent."""
        left_s = self.budget_s - (time.monotonic() - self._started_s)
        if self.n_pages >= MAX_PAGES or left_s <= 0 or not self.languages:
            return ""
        self.n_pages += 1
        picture = _render(page)
        return self._recognise(*picture, min(left_s, MAX_PAGE_S)) if picture else ""

    def _recognise(self, image: bytes, dpi: int, timeout_s: float) -> str:
        command = [
            *(PROGRAM, "stdin", "stdout"),
            *("-l", "+".join(self.languages)),
            *("--psm", _PAGE_LAYOUT),
            *("--dpi", str(dpi)),
        ]
        try:
            with _may_start_processes():
                done = subprocess.run(  # noqa: S603  (the languages are the operator's)
                    command,
                    input=image,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    timeout=timeout_s,
                    check=True,
                )
        except (OSError, subprocess.SubprocessError):
            return ""
        return done.stdout[:MAX_TEXT_BYTES].decode("utf-8", errors="ignore").replace("\f", "\n")


def _render(page: pypdfium2.PdfPage) -> tuple[bytes, int] | None:
    """The page as a grey PNM image with its resolution; None for pages too thin to show."""
    width, height = page.get_size()
    if not (0 < width < math.inf and 0 < height < math.inf):
        return None
    scale = min(
        RESOLUTION_DPI / POINTS_PER_INCH,
        math.sqrt(MAX_PIXELS / (width * height)),
        MAX_SIDE_PIXELS / max(width, height),
    )
    if min(width, height) * scale < MIN_SIDE_PIXELS:
        return None
    bitmap = page.render(scale=scale, grayscale=True)
    try:
        rows = memoryview(bitmap.buffer).cast("B")
        if bitmap.stride != bitmap.width:
            pixels = b"".join(
                rows[start : start + bitmap.width]
                for start in range(0, bitmap.stride * bitmap.height, bitmap.stride)
            )
        else:
            pixels = bytes(rows)
        head = f"P5 {bitmap.width} {bitmap.height} 255\n".encode()
    finally:
        bitmap.close()
    return head + pixels, max(70, round(scale * POINTS_PER_INCH))


@contextmanager
def _may_start_processes() -> Iterator[None]:
    """Lifts the worker's soft limit for the duration."""
    before, most = resource.getrlimit(resource.RLIMIT_NPROC)
    resource.setrlimit(resource.RLIMIT_NPROC, (most, most))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NPROC, (before, most))
