"""Small PDFs made on the spot, and where real ones lie when they are there."""

from __future__ import annotations

import io
import os
from pathlib import Path

from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.pdfgen import canvas

_BESIDE = Path(__file__).parents[4] / "shared" / "data"
SHARED = Path(os.environ.get("BOTFACTORY_SHARED_DATA", _BESIDE))
PYTHON_DOCS = Path("/usr/share/doc/python3/html")


def make_pdf(
    *pages: str, title: str = "", user_password: str | None = None, owner_password: str = ""
) -> bytes:
    """A PDF with one page per text; lines of a text are lines on the page."""
    encryption = None
    if user_password is not None:
        encryption = StandardEncryption(user_password, ownerPassword=owner_password or None)
    buffer = io.BytesIO()
    drawing = canvas.Canvas(buffer, encrypt=encryption, invariant=1)
    if title:
        drawing.setTitle(title)
    for page in pages:
        for number, line in enumerate(page.split("\n")):
            drawing.drawString(60, 780 - 16 * number, line)
        drawing.showPage()
    drawing.save()
    return buffer.getvalue()


def make_scan() -> bytes:
    """A PDF whose page holds a drawing and no text."""
    buffer = io.BytesIO()
    drawing = canvas.Canvas(buffer)
    drawing.rect(100, 100, 200, 300, fill=1)
    drawing.showPage()
    drawing.save()
    return buffer.getvalue()
