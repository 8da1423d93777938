"""Damage of all sorts, by a fixed seed: every file ends as text or as a typed error."""

from __future__ import annotations

import io
import random
import zipfile
from collections.abc import Callable, Iterator

import pytest

from ingestion.errors import ExtractionError
from ingestion.extraction.registry import extract
from tests.ingestion.extraction.archive_samples import with_members
from tests.ingestion.extraction.office_samples import make_docx, make_pptx, make_xlsx, sheet_of
from tests.ingestion.extraction.open_samples import make_epub, make_notebook, make_opendocument

ROUNDS = 30
_ODT = (
    '<text:h text:outline-level="1">Title</text:h><text:list><text:list-item><text:p>x</text:p>'
    "</text:list-item></text:list><table:table><table:table-row><table:table-cell><text:p>c</text:p>"
    "</table:table-cell></table:table-row></table:table>"
)
SAMPLES: dict[str, Callable[[], bytes]] = {
    "a.docx": make_docx,
    "a.pptx": make_pptx,
    "a.xlsx": make_xlsx,
    "b.xlsx": lambda: sheet_of(
        '<row r="1"><c r="A1" t="s"><v>0</v></c><c t="inlineStr"><is><t>x</t></is></c></row>',
        strings="<si><t>word</t></si>",
        tail='<mergeCells><mergeCell ref="A1:B9"/></mergeCells>',
    ),
    "a.epub": make_epub,
    "a.odt": lambda: make_opendocument("text", _ODT),
    "a.ods": lambda: make_opendocument("spreadsheet", _ODT),
    "a.odp": lambda: make_opendocument("presentation", f"<draw:page>{_ODT}</draw:page>"),
    "a.ipynb": make_notebook,
    "a.csv": lambda: b'Name;Price\n"Chair; red";1,50\n"Table\nround";2,50\n',
    "a.json": lambda: b'[{"name": "A", "tags": ["x"]}, {"name": "C", "n": 1e5}]',
    "a.xml": lambda: b"<?xml version='1.0'?><shop><item id='1'><name>Chair</name></item></shop>",
    "a.rst": lambda: (
        b"Title\n=====\n\n.. code-block:: python\n\n   x = 1\n\n.. note:: :ref:`a <b>`\n"
    ),
    "a.adoc": lambda: b"= Title\n\n[source,python]\n----\nx = 1\n----\n\n<<a,b>> link:x[y]\n",
    "a.py": lambda: b'"""Says."""\n\ndef f() -> str:\n    return "x"\n',
}
DAMAGES = (
    b"",
    b"\x00",
    b"\xff\xfe",
    b"<",
    b">",
    b'"',
    b"&#0;",
    b"&x;",
    b"-1",
    b"9" * 40,
    b"<a/>" * 9,
)


def _damaged(data: bytes, chance: random.Random) -> bytes:
    """The bytes cut short, or with a few of them flipped, replaced, repeated or taken out."""
    if chance.random() < 0.2:
        return data[: chance.randrange(len(data) + 1)]
    for _ in range(chance.choice((1, 1, 3, 10))):
        start = chance.randrange(len(data) + 1)
        end = start + chance.choice((0, 1, 1, 4, 60))
        piece = chance.choice((*DAMAGES, data[end : end + 50], bytes([chance.randrange(256)])))
        data = data[:start] + piece + data[end:]
    return data


def _cases(name: str) -> Iterator[bytes]:
    chance = random.Random(name)  # noqa: S311 - the same damage in every run
    sample = SAMPLES[name]()
    members: dict[str, bytes] = {}
    if sample.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(sample)) as archive:
            members = {one: archive.read(one) for one in archive.namelist() if archive.read(one)}
    for _ in range(ROUNDS):
        yield _damaged(sample, chance)
        if members:  # damage to the packed bytes hardly ever gets past their checksum
            inner = chance.choice(
                [one for one in members if one.endswith(("xml", ".rels", ".opf"))]
            )
            yield with_members(sample, {inner: _damaged(members[inner], chance)})
            yield with_members(sample, {chance.choice(list(members)): None})


@pytest.mark.parametrize("name", SAMPLES)
def test_a_damaged_file_is_text_or_a_typed_error(name: str) -> None:
    n_read = 0
    for body in _cases(name):
        try:
            document = extract(body, name=name)
        except ExtractionError:
            continue
        assert document.text.strip()
        assert list(document.page_starts) == sorted(document.page_starts)
        n_read += 1
    assert n_read, "no damage was small enough to read on"
