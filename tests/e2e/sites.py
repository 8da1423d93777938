"""Websites and files that the tests give to a bot."""

from __future__ import annotations

import asyncio
import io
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from tests.doubles.fake_site import FakeSite, Reply, serve_site

HELD = Reply(stall=True)
"""A page that begins to answer and never ends: the crawl stands still on it."""

_TOPICS = {
    "shipping": "We ship every order within two working days, from our warehouse in Antwerp.",
    "returns": "Shoes may be sent back within thirty days, as long as they were worn indoors only.",
    "warranty": "The warranty on leather boots covers broken seams for three years.",
    "payment": "You can pay by bank transfer, by credit card or with a gift voucher.",
    "sizes": "Our sizes run small: order half a size more than you usually wear.",
    "care": "Clean suede with a dry brush, and never put it into a washing machine.",
    "repair": "The workshop replaces worn soles for twenty-five euros within one week.",
    "stores": "Our shops in Ghent and Bruges open at ten and close at six, except on Sundays.",
    "contact": "Call the service desk on weekdays between nine and five.",
    "jobs": "We are looking for a shoemaker who wants to teach apprentices.",
}
PAGE_TEXT = _TOPICS


def html(title: str, *paragraphs: str, links: tuple[str, ...] = ()) -> str:
    body = "".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)
    nav = "".join(f'<li><a href="{link}">{link}</a></li>' for link in links)
    return (
        f'<!DOCTYPE html><html lang="en"><head><title>{title}</title></head>'
        f"<body><main><h1>{title}</h1>{body}<ul>{nav}</ul></main></body></html>"
    )


def shop() -> dict[str, Reply | str | list[Reply]]:
    """Fifteen addresses: 11 pages, a PDF, a thin one, one that robots.txt closes, one elsewhere.

    Linked from the front page but for `/jobs`, which stands in the sitemap alone.
    """
    linked = [f"/{name}" for name in _TOPICS if name != "jobs"]
    front = html(
        "The Shoe Shop",
        "A family business since nineteen hundred and twelve, with shoes for every weather.",
        links=(*linked, "/manual.pdf", "/thin", "/private/prices", "http://elsewhere.invalid/"),
    )
    pages: dict[str, Reply | str | list[Reply]] = {
        "/": front,
        "/robots.txt": Reply(
            "User-agent: *\nDisallow: /private/\nSitemap: {base}/sitemap.xml\n",
            content_type="text/plain",
        ),
        "/sitemap.xml": Reply(
            '<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">'
            "<url><loc>{base}/jobs</loc></url></urlset>",
            content_type="application/xml",
        ),
        "/thin": "<!DOCTYPE html><title>Thin</title><p>Hi",
        "/private/prices": html("Prices", "What we pay for leather is nobody's business."),
        "/manual.pdf": Reply(
            pdf(
                "Welcome to the manual of your new hiking boots.",
                "Lacing. Pull the laces tight over the instep before every descent.",
                "Waxing. Treat the leather with beeswax every second month.",
            ),
            content_type="application/pdf",
        ),
    }
    for name, text in _TOPICS.items():
        pages[f"/{name}"] = html(name.title(), text)
    return pages


def library(n_pages: int = 40) -> dict[str, Reply | str | list[Reply]]:
    """A front page and `n_pages` articles of some thousand characters each: a few chunks a page."""
    paths = [f"/article-{n}" for n in range(1, n_pages + 1)]
    pages: dict[str, Reply | str | list[Reply]] = {
        "/": html("The Library", "Articles about numbers, one for each.", links=tuple(paths))
    }
    for n, path in enumerate(paths, start=1):
        paragraphs = [
            f"Paragraph {m} of article {n}. The product of both is {n * m}, their sum is {n + m}, "
            f"and the square of the first is {m * m}. " + "Whoever adds them again finds the same "
            f"number, however often article {n} is read. " * 3
            for m in range(1, 11)
        ]
        pages[path] = html(f"Article {n}", *paragraphs)
    return pages


def pdf(*pages: str, password: str = "") -> bytes:
    """A PDF with one line of text a page."""
    from reportlab.lib.pdfencrypt import StandardEncryption
    from reportlab.pdfgen.canvas import Canvas

    file = io.BytesIO()
    encryption = StandardEncryption(password) if password else None
    canvas = Canvas(file, encrypt=encryption)
    for text in pages:
        canvas.drawString(72, 720, text)
        canvas.showPage()
    canvas.save()
    return file.getvalue()


def scanned_pdf() -> bytes:
    """A PDF whose one page is a picture."""
    from reportlab.lib.utils import ImageReader
    from reportlab.pdfgen.canvas import Canvas

    file = io.BytesIO()
    canvas = Canvas(file)
    canvas.drawImage(ImageReader(io.BytesIO(png())), 72, 400, width=300, height=300)
    canvas.showPage()
    canvas.save()
    return file.getvalue()


def png() -> bytes:
    from PIL import Image

    file = io.BytesIO()
    Image.effect_noise((64, 64), 80).save(file, "PNG")
    return file.getvalue()


@contextmanager
def running_site(pages: Mapping[str, Reply | str | list[Reply]]) -> Iterator[FakeSite]:
    """The site in a thread with a loop of its own; `site.pages` may be changed meanwhile."""
    started = threading.Event()
    sites: list[FakeSite] = []
    loop = asyncio.new_event_loop()
    ending = asyncio.Event()

    async def serve() -> None:
        async with serve_site(pages) as site:
            sites.append(site)
            started.set()
            await ending.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), daemon=True)
    thread.start()
    try:
        assert started.wait(10)
        yield sites[0]
    finally:
        loop.call_soon_threadsafe(ending.set)
        thread.join(10)
        loop.close()
