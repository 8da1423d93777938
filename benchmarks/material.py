"""Pages and PDF files made of words, the same on every machine and in every run."""

from __future__ import annotations

import io
import json
import random
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from bots.knowledge.tokens import bundled_model_dir

PAGE_BYTES = 46_000
WORDS_PER_PDF_PAGE = 400

# Every so many words one is not in the model's vocabulary, as names and terms are not.
WORDS_PER_UNKNOWN = 8


@lru_cache(maxsize=1)
def vocabulary() -> tuple[str, ...]:
    """English words, the common ones first: the whole words that the bundled model knows."""
    tokenizer = json.loads((bundled_model_dir() / "tokenizer.json").read_text("utf-8"))
    known = sorted(tokenizer["model"]["vocab"].items(), key=lambda item: item[1])
    return tuple(word for word, _ in known if word.isascii() and word.isalpha() and len(word) > 1)


class Writer:
    """Text with the shape of English: short common words among many rare ones."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311  (the same text in every run)
        self._vocabulary = vocabulary()

    def words(self, n_words: int) -> list[str]:
        return [self._word() for _ in range(n_words)]

    def _word(self) -> str:
        if self._random.randrange(WORDS_PER_UNKNOWN) == 0:
            return self._random.choice(self._vocabulary) + self._random.choice(self._vocabulary)
        # As in real text, half of the words are among the most common hundredth.
        return self._vocabulary[int(len(self._vocabulary) * self._random.random() ** 6)]

    def sentence(self) -> str:
        return " ".join(self.words(self._random.randint(7, 22))).capitalize() + "."

    def paragraph(self) -> str:
        return " ".join(self.sentence() for _ in range(self._random.randint(3, 7)))

    def title(self) -> str:
        return " ".join(self.words(4)).title()

    def choose(self, n_choices: int) -> int:
        return self._random.randrange(n_choices)


def write_site(folder: Path, n_pages: int, *, page_bytes: int = PAGE_BYTES) -> int:
    """Makes pages that link to each other, and returns their bytes.

    Up to 15 kB of a page are what it carries for its looks; smaller pages carry less.
    """
    for number in range(n_pages):
        page = _page(number, n_pages, page_bytes).encode()
        (folder / _name(number)).write_bytes(page)
    return sum(path.stat().st_size for path in folder.iterdir())


def _name(number: int) -> str:
    return "index.html" if number == 0 else f"page-{number:04}.html"


def _page(number: int, n_pages: int, page_bytes: int) -> str:
    """A page of which about a third is text, twice the share of real documentation pages."""
    writer = Writer(number + 1)
    title = writer.title()
    first = number // 10 * 10
    menu = "".join(
        f'<li class="menu-item toctree-l1"><a class="reference internal" href="/{_name(other)}">'
        f"{writer.title()}</a></li>"
        for other in range(first, min(first + 30, n_pages))
    )
    start = (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{_looks(_STYLE, page_bytes)}</style>"
        f"<script>{_looks(_SCRIPT, page_bytes)}</script></head><body><header>"
        f'<a class="logo" href="/">Home</a></header><nav><ul class="menu">{menu}</ul></nav>'
        f"<main><h1>{title}</h1>"
    )
    end = (
        f'</main><footer class="footer"><p>All rights reserved. {title}</p></footer></body></html>'
    )
    blocks: list[str] = []
    size = len(start) + len(end)
    while size < page_bytes:
        blocks.append(_block(writer, n_pages))
        size += len(blocks[-1])
    return start + "".join(blocks) + end


# What every page of a site carries for its looks: about 15 kB.
_STYLE = tuple(
    f".component-{n}{{margin:{n}px auto;padding:0 {n % 7}px;color:#{n:06x}}}" for n in range(130)
)
_SCRIPT = tuple(f'document.querySelectorAll(".component-{n}").forEach(bind);' for n in range(130))


def _looks(parts: tuple[str, ...], page_bytes: int) -> str:
    return "".join(parts[: len(parts) * page_bytes // PAGE_BYTES])


def _block(writer: Writer, n_pages: int) -> str:
    kind = writer.choose(10)
    anchor = "-".join(writer.words(2))
    match kind:
        case 0 | 1:
            title = writer.title()
            link = f'<a class="headerlink" href="#{anchor}" title="Link to this heading">¶</a>'
            return f'<h2 id="{anchor}" class="component-{kind}">{title}{link}</h2>\n'
        case 2:
            return _table(writer)
        case 3:
            lines = "\n".join(_code_line(writer) for _ in range(6))
            return f'<div class="highlight-python"><pre><span></span>{lines}</pre></div>\n'
        case 4:
            items = "".join(
                f'<li class="simple"><p class="component-{n}">{writer.sentence()}</p></li>'
                for n in range(5)
            )
            return f'<ul class="simple component-{kind}" id="{anchor}">{items}</ul>\n'
        case _:
            target = f"{_name(writer.choose(n_pages))}#{anchor}"
            link = (
                f'<a class="reference internal" href="/{target}" title="{anchor}">'
                f'<span class="std std-ref">{writer.title()}</span></a>'
            )
            return (
                f'<div class="section component-{kind}" id="{anchor}"><p class="text">'
                f"{writer.paragraph()} {link}.</p></div>\n"
            )


def _table(writer: Writer) -> str:
    head = "".join(f'<th class="head" scope="col">{word}</th>' for word in writer.words(4))
    rows = "".join(f'<tr class="row-odd">{_cells(writer)}</tr>' for _ in range(8))
    return f'<table class="docutils align-default"><tr>{head}</tr>{rows}</table>\n'


def _cells(writer: Writer) -> str:
    return "".join(f'<td class="cell"><p>{word}</p></td>' for word in writer.words(4))


def _code_line(writer: Writer) -> str:
    name, call = ("_".join(writer.words(2)) for _ in range(2))
    return (
        f'<span class="n">{name}</span> <span class="o">=</span> <span class="n">{call}</span>'
        f'<span class="p">(</span><span class="mi">{writer.choose(999)}</span>'
        '<span class="p">)</span>'
    )


def pdf_files(n_pages: int, n_files: int = 5) -> dict[str, bytes]:
    """Names and contents of PDF files with `n_pages` pages of about 400 words in total."""
    shares = [n_pages // n_files + (number < n_pages % n_files) for number in range(n_files)]
    return {
        f"manual-{number}.pdf": _pdf(number, share) for number, share in enumerate(shares) if share
    }


def _pdf(number: int, n_pages: int) -> bytes:
    from reportlab.lib.pagesizes import A4
    from reportlab.pdfgen.canvas import Canvas

    writer = Writer(10_000 + number)
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=A4, pageCompression=1)
    canvas.setTitle(f"Manual {number}: {writer.title()}")
    for page in range(n_pages):
        text = canvas.beginText(60, 790)
        text.setFont("Helvetica", 10)
        for line in _lines(writer, WORDS_PER_PDF_PAGE):
            text.textLine(line)
        canvas.drawText(text)
        canvas.drawString(290, 30, str(page + 1))
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def _lines(writer: Writer, n_words: int) -> Iterator[str]:
    written = 0
    while written < n_words:
        line: list[str] = []
        for word in writer.paragraph().split():
            line.append(word)
            written += 1
            if sum(map(len, line)) + len(line) > 85:
                yield " ".join(line)
                line = []
        yield " ".join(line)
        yield ""
