"""PDF files that no printer would make, written byte by byte, and odd ones made by reportlab."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable, Sequence

from reportlab.lib.utils import ImageReader
from reportlab.pdfgen import canvas

FONT = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"
_FONTS = b" /Font << /F1 5 0 R >>"
SHOWN = b"BT /F1 12 Tf 60 700 Td (Words on a page.) Tj ET"


def write_pdf(objects: Sequence[bytes], *, trailer: bytes = b"") -> bytes:
    """A file of these objects, numbered from 1; the first is its catalog."""
    out = bytearray(b"%PDF-1.7\n")
    offsets = []
    for number, content in enumerate(objects, start=1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    xref = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer\n<< /Size %d /Root 1 0 R %s >>\n" % (len(objects) + 1, trailer)
    return bytes(out + b"startxref\n%d\n%%%%EOF\n" % xref)


def stream(content: bytes, extra: bytes = b"") -> bytes:
    return b"<< /Length %d %s >>\nstream\n%s\nendstream" % (len(content), extra, content)


def one_page(
    content: bytes = SHOWN,
    *,
    extra: bytes = b"",
    box: bytes = b"0 0 595 842",
    resources: bytes = b"",
    more: Sequence[bytes] = (),
    catalog: bytes = b"",
) -> bytes:
    """A page that draws `content`; `more` are objects from number 6 on."""
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [%s] /Contents 4 0 R /Resources %s >>"
    fonts = b"<< %s >>" % (resources if b"/Font" in resources else resources + _FONTS)
    return write_pdf(
        [
            b"<< /Type /Catalog /Pages 2 0 R %s >>" % catalog,
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            page % (box, fonts),
            stream(content, extra),
            FONT,
            *more,
        ]
    )


def truncated() -> bytes:
    return one_page()[:300]


def late_header() -> bytes:
    return b"x" * 900 + one_page()


def xref_loop() -> bytes:
    """Two cross-reference tables, each of which says that the other comes before it."""
    whole = one_page()
    first = whole.index(b"xref\n0 ")
    second = len(whole)
    looped = whole.replace(b"/Root 1 0 R ", b"/Root 1 0 R /Prev %d" % second, 1)
    table = looped[looped.index(b"xref\n0 ") :].replace(b"%d" % second, b"%d" % first, 1)
    return looped + table


def page_tree_loop() -> bytes:
    """A page tree whose node is its own child."""
    return write_pdf(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 3 >>",
            b"<< /Type /Pages /Parent 2 0 R /Kids [2 0 R 3 0 R] /Count 3 >>",
        ]
    )


def many_pages(n_pages: int) -> bytes:
    kids = b" ".join(b"3 0 R" for _ in range(n_pages))
    return write_pdf(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [%s] /Count %d >>" % (kids, n_pages),
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] >>",
        ]
    )


def flate_bomb(n_megabytes: int) -> bytes:
    """A content stream that inflates to so many megabytes of text commands."""
    part = (b"(x) Tj " * 150_000)[: 1 << 20]
    packer = zlib.compressobj(9)
    packed = packer.compress(b"BT /F1 12 Tf ") + b"".join(
        packer.compress(part) for _ in range(n_megabytes)
    )
    return one_page(packed + packer.flush(), extra=b"/Filter /FlateDecode")


def nested_flate_bomb() -> bytes:
    """Zeros packed three times: a kilobyte of a gigabyte."""
    packed = bytes(1 << 28)
    for _ in range(3):
        packed = zlib.compress(packed, 9)
    filters = b"/Filter [/FlateDecode /FlateDecode /FlateDecode]"
    return one_page(packed, extra=filters)


def jbig2() -> bytes:
    """A page that is one JBIG2 picture of absurd size with damaged data."""
    picture = stream(
        bytes(range(256)) * 8,
        b"/Type /XObject /Subtype /Image /Width 60000 /Height 60000 /BitsPerComponent 1 "
        b"/ColorSpace /DeviceGray /Filter /JBIG2Decode",
    )
    return one_page(
        b"595 0 0 842 0 0 cm /Im1 Do", resources=b"/XObject << /Im1 6 0 R >>", more=[picture]
    )


def huge_box() -> bytes:
    return one_page(box=b"0 0 1000000000 1000000000")


def huge_empty_box() -> bytes:
    return one_page(b"0 0 500000000 500000000 re f", box=b"0 0 1000000000 1000000000")


def recursive_form() -> bytes:
    """A page that draws a form that draws itself, sixteen times each time."""
    form = stream(
        SHOWN + b" /Fm1 Do" * 16,
        b"/Type /XObject /Subtype /Form /BBox [0 0 595 842] "
        b"/Resources << /Font << /F1 5 0 R >> /XObject << /Fm1 6 0 R >> >>",
    )
    return one_page(b"/Fm1 Do " * 16, resources=b"/XObject << /Fm1 6 0 R >>", more=[form])


def recursive_outline() -> bytes:
    """An outline in which the first entry is its own child and its own successor."""
    return one_page(
        catalog=b"/Outlines 6 0 R",
        more=[
            b"<< /Type /Outlines /First 7 0 R /Last 7 0 R /Count 1 >>",
            b"<< /Title (Round) /Parent 6 0 R /First 7 0 R /Last 7 0 R /Next 7 0 R "
            b"/Dest [3 0 R /Fit] >>",
        ],
    )


def scan(*pages: str, blank: bool = False) -> bytes:
    """A page for each text, which is painted into a picture; an empty text is a page of text."""
    from PIL import Image, ImageDraw, ImageFont

    buffer = io.BytesIO()
    drawing = canvas.Canvas(buffer, invariant=1)
    for number, text in enumerate(pages, start=1):
        if text:
            picture = Image.new("L", (1240, 1754), 255)
            pen = ImageDraw.Draw(picture)
            pen.text((120, 160), text, fill=0, font=ImageFont.load_default(40), spacing=20)
            drawing.drawImage(ImageReader(picture), 0, 0, 595, 842)
        else:
            drawing.drawString(60, 780, f"Page {number} is made of letters.")
        drawing.showPage()
    if blank:
        drawing.showPage()
    drawing.save()
    return buffer.getvalue()


def drawn(draw: Callable[[canvas.Canvas], None]) -> bytes:
    """A file that `draw` fills."""
    buffer = io.BytesIO()
    drawing = canvas.Canvas(buffer, invariant=1)
    draw(drawing)
    drawing.save()
    return buffer.getvalue()


def with_unicode_map(text: str) -> bytes:
    """A page whose letters stand for the given characters by the font's own map."""
    codes = b"".join(b"%02x" % code for code in range(1, len(text) + 1))
    pairs = b"\n".join(
        b"<%02x> <%s>" % (code, char.encode("utf-16-be").hex().encode())
        for code, char in enumerate(text, start=1)
    )
    unicode_map = (
        b"/CIDInit /ProcSet findresource begin begincmap 1 begincodespacerange <00> <ff> "
        b"endcodespacerange %d beginbfchar\n%s\nendbfchar endcmap end" % (len(text), pairs)
    )
    font = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /ToUnicode 7 0 R >>"
    return one_page(
        b"BT /F2 12 Tf 60 700 Td <%s> Tj ET" % codes,
        resources=b"/Font << /F2 6 0 R >>",
        more=[font, stream(unicode_map)],
    )
