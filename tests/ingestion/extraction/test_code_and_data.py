"""Source code, reStructuredText, AsciiDoc, JSON and XML."""

from __future__ import annotations

import pytest

from ingestion.errors import NoTextFound, TextNotDecodable
from ingestion.extraction.data_files import extract_json, extract_xml
from ingestion.extraction.markup import extract_asciidoc, extract_rst
from ingestion.extraction.source_code import extract_code, introduction, language_of


def test_code_stays_code_and_its_docstring_is_text() -> None:
    document = extract_code(b'"""Reads things."""\n\ndef f():\n    return 1\n', name="src/a.py")
    assert document.title == "src/a.py"
    assert document.text == (
        'Reads things.\n\n```python\n"""Reads things."""\n\ndef f():\n    return 1\n```'
    )


def test_a_fence_is_longer_than_what_is_in_it() -> None:
    assert extract_code(b"x = '````'", name="a.js").text == "`````javascript\nx = '````'\n`````"


@pytest.mark.parametrize(
    ("code", "language", "said"),
    [
        ("#!/bin/sh\n# Starts it.\n# Twice.\nexec x", "bash", "Starts it.\nTwice."),
        ("/*\n * Adds numbers.\n */\nint x;", "c", "Adds numbers."),
        ("/* Copyright 2020 */\nint x;", "c", ""),
        ("// SPDX-License-Identifier: MIT\nx", "go", ""),
        ("-- All orders\nSELECT 1;", "sql", "All orders"),
        ("def broken(:", "python", ""),
        ("x = 1", "python", ""),
    ],
)
def test_the_first_comment_introduces_a_file_unless_it_is_a_licence(
    code: str, language: str, said: str
) -> None:
    assert introduction(code, language) == said


def test_languages_are_told_by_name() -> None:
    assert language_of("a/b/Makefile") == "makefile"
    assert language_of("A.TSX") == "tsx"
    assert language_of("notes.txt") is None
    assert language_of("") is None


def test_code_that_is_no_text_is_typed() -> None:
    with pytest.raises(TextNotDecodable):
        extract_code(bytes(range(256)) * 4, name="a.py")
    with pytest.raises(NoTextFound):
        extract_code(b"\n\n", name="a.py")


def test_restructured_text_becomes_markdown() -> None:
    source = b"""\
=====
Title
=====

See :ref:`the guide <guide>`, ``code`` and `a site <http://x>`_::

    $ run

Install
-------

.. code-block:: python
   :linenos:

   x = 1

.. note:: Watch out
.. function:: open(path, mode)

   Opens it.

.. toctree::
   :maxdepth: 2

   hidden

.. _target:
.. a comment
.. [1] A footnote
"""
    document = extract_rst(source)
    assert document.title == "Title"
    assert document.text == (
        "# Title\n\nSee `the guide`, `code` and a site:\n\n```\n$ run\n```\n\n## Install\n\n"
        "```python\nx = 1\n```\n\nNote: Watch out\n`open(path, mode)`\n\n   Opens it.\n\n"
        "[1] A footnote"
    )


def test_asciidoc_becomes_markdown() -> None:
    source = b"""\
= Guide
:toc:

== Install

Run link:x.html[this], then <<later,that>>.

[source,bash]
----
$ make
----

// remark
include::other.adoc[]
* one
"""
    document = extract_asciidoc(source)
    assert document.title == "Guide"
    assert document.text == (
        "# Guide\n\n## Install\n\nRun this, then that.\n\n```bash\n$ make\n```\n\n* one"
    )


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (
            b'[{"name": "A", "tags": ["x", "y"], "at": {"city": "B"}}, {"name": "C", "n": null}]',
            "name: A; tags: x, y; at city: B\n\nname: C",
        ),
        (
            b'{"users": [{"id": 1}, {"id": 2}]}',
            "## users\n\nid: 1\n\nid: 2",
        ),
        (b'{"a": 1, "b": [{"c": 1}, {"c": 2}]}', None),
        (b'{"a": 1}\n{"a": 2}', None),
        (b"[" * 20_000, None),
        (b"// comment\n{}x", None),
    ],
)
def test_json_is_read_as_records_or_kept_as_it_is(data: bytes, text: str | None) -> None:
    kept = f"```json\n{data.decode()}\n```"
    try:
        assert extract_json(data, name="a.json").text == (kept if text is None else text)
    except NoTextFound:
        assert not any(char.isalnum() for char in data.decode())


def test_xml_gives_names_with_their_texts_and_attributes() -> None:
    data = (
        b'<shop><item id="7"><name>Chair</name><price cur="EUR">5</price></item>'
        b"<p>Mixed <b>text</b> stays.</p></shop>"
    )
    document = extract_xml(data, name="shop.xml")
    assert document.text == "id: 7; name: Chair; price cur: EUR; price: 5\n\nMixed text stays."
    assert extract_xml(b"<a>alone</a>", name="a.xml").text == "alone"


def test_xml_that_is_broken_or_hostile_is_shown_as_it_is() -> None:
    for data in (
        b"<a><b>text</a>",
        b'<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]><a>&e;</a>',
    ):
        assert extract_xml(data, name="a.xml").text == f"```xml\n{data.decode()}\n```"
