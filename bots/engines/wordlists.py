"""Words that sentence splitting and quoting treat in a special way; all lower case."""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


TITLES = _words(
    "mr mrs ms dr prof rev gen col capt lt sgt sen rep gov hon st mt ft vs cf viz e.g i.e eg ie "
    "approx resp incl excl dept bzw z.b d.h"
)
"""Abbreviations that never end a sentence."""

BEFORE_NUMBERS = _words(
    "no nos nr fig figs eq eqs sec ch chap vol art p pp ed ver max min ca tel ext pos para "
    "jan feb mar apr jun jul aug sep sept oct nov dec"
)
"""Abbreviations that do not end a sentence when a number follows."""

AMBIGUOUS = _words("inc ltd corp co bros jr sr etc al ave blvd rd a.m p.m am pm ph.d")
"""Abbreviations that end a sentence only when the next word is an opener."""

OPENERS = _words(
    "the a an this that these those it its he she they we you i there here in on at to for from "
    "with by as if when while after before since because although however but and or so then "
    "use see run click open note his her their our your what how why where who each all both "
    "some many most no not yes once until during under over"
)
"""Words that open sentences, and hardly ever follow an abbreviation with a capital letter."""

STOP_WORDS = _words(
    "a an the and or but if then than that this these those of in on at to for from with by as "
    "is are was were be been being am do does did doing done have has had having will would can "
    "could shall should may might must it its he she they them his her their we us our you your i "
    "me my what which who whom whose when where why how there here not no so such into about any "
    "some all each also just please tell name"
)
"""Words of a question that say nothing about its subject."""

QUESTION_MARKS = ("?", "\uff1f", "\u061f")
"""For `str.endswith`: Latin, full-width and Arabic."""
