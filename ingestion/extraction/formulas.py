"""Formulas as the TeX that their makers keep beside the picture: `$x^2$`, once.

KaTeX, MathJax and MediaWiki write a formula several times into a page: for the eye, for screen
readers, and as source. Read as text, that is one letter after the other in three versions.
"""

from __future__ import annotations

import re
from typing import Any

from lxml import etree

from ingestion.extraction.decoding import clean_text

_WRAPPERS = re.compile(r"(?:^|\s)(?:katex(?:-display)?|mwe-math-element|MathJax\S*)(?:\s|$)")
_RENDERED = re.compile(r"(?:^|\s)MathJax(?:_\w+)?(?:\s|$)")
_STYLED = re.compile(r"^\{\\(?:display|text)style\s*(.*)\}$", re.DOTALL)
_TEX_SCRIPT = "math/tex"


def write_formulas(root: Any) -> None:
    """Puts TeX in the place of each formula that has it, in place. Run before hidden parts go."""
    for formula in list(root.iter("math")):
        tex = _tex_of(formula)
        if tex and formula.getparent() is not None:
            _replace(_outermost(formula), tex)
    scripts = [one for one in root.iter("script") if one.get("type", "").startswith(_TEX_SCRIPT)]
    for script in scripts:
        _drop_rendered(script)
        _replace(script, script.text or "")


def _drop_rendered(script: Any) -> None:
    """Removes what MathJax made of the formula and put before it."""
    while (before := script.getprevious()) is not None:
        if before.tail or not _RENDERED.search(before.get("class") or ""):
            return
        before.getparent().remove(before)


def _tex_of(formula: Any) -> str:
    for note in formula.iter("annotation"):
        if "tex" in (note.get("encoding") or "").lower():
            return str(note.text or "")
    return str(formula.get("alttext") or "")


def _outermost(formula: Any) -> Any:
    found = formula
    for ancestor in formula.iterancestors("span", "mjx-container"):
        if ancestor.tag == "mjx-container" or _WRAPPERS.search(ancestor.get("class") or ""):
            found = ancestor
    return found


def _replace(element: Any, tex: str) -> None:
    tex = " ".join(clean_text(tex).split())
    if styled := _STYLED.match(tex):
        tex = styled[1].strip()
    made = etree.Element("span")
    made.text = f"${tex}$" if tex else ""
    made.tail = element.tail
    element.getparent().replace(element, made)
