"""Numbers of a spreadsheet as people see them: dates, percentages, currencies, decimals."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

_BUILT_IN = {
    1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00", 9: "0%", 10: "0.00%", 37: "#,##0", 38: "#,##0",
    39: "#,##0.00", 40: "#,##0.00",
}  # fmt: skip
_DATES = {*range(14, 18), *range(27, 32), 34, 35, 36, *range(50, 59)}
_TIMES = {18, 19, 20, 21, 32, 33, 45, 46, 47}
_DATES_WITH_TIMES = {22}
_LITERAL = re.compile(r'"([^"]*)"|\\(.)|_.|\*.|\[\$([^\]-]*)[^\]]*\]|\[[^\]]*\]')
_ELAPSED = re.compile(r"\[(?:h+|m+|s+)\]", re.IGNORECASE)
_DIGITS = re.compile(r"[#0?][#0?,]*(?:\.([#0?]+))?")
_EPOCH_1900 = datetime(1899, 12, 30)
_EPOCH_1904 = datetime(1904, 1, 1)
_MAX_SERIAL = 2_958_466  # the last day of the year 9999
_MAX_FORMAT_CHARS = 255


@dataclass(frozen=True, slots=True)
class NumberFormat:
    """What a format code says. A general number has neither digits nor signs of its own."""

    has_date: bool = False
    has_time: bool = False
    is_general: bool = True
    is_percent: bool = False
    has_thousands: bool = False
    n_decimals: int = 0
    n_optional: int = 0
    n_least_digits: int = 1
    prefix: str = ""
    suffix: str = ""


GENERAL = NumberFormat()


def read_format(number: int, code: str | None) -> NumberFormat:
    """The meaning of a format by its number, or by its code where the file defines one."""
    if code is None:
        if number in _DATES or number in _TIMES or number in _DATES_WITH_TIMES:
            has_both = number in _DATES_WITH_TIMES
            return NumberFormat(
                has_date=number in _DATES or has_both, has_time=number in _TIMES or has_both
            )
        code = _BUILT_IN.get(number)
    return _parse(code) if code else GENERAL


def show_number(value: float, shape: NumberFormat, *, is_1904: bool = False) -> str:
    """The number as the format shows it, dates in the order year, month, day."""
    if shape.has_date or shape.has_time:
        shown = _show_moment(value, shape, is_1904)
        if shown:
            return shown
        shape = GENERAL
    if shape.is_general:
        return _show_general(value)
    scaled = value * 100 if shape.is_percent else value
    thousands = "," if shape.has_thousands else ""
    digits = f"{scaled:{thousands}.{shape.n_decimals}f}"
    if shape.n_optional and "." in digits:
        n_kept = len(digits) - shape.n_optional
        digits = (digits[:n_kept] + digits[n_kept:].rstrip("0")).rstrip(".")
    sign, digits = ("-", digits[1:]) if digits.startswith("-") else ("", digits)
    n_missing = shape.n_least_digits - len(digits.partition(".")[0])
    digits = "0" * max(0, n_missing) + digits
    return f"{sign}{shape.prefix}{digits}{shape.suffix}".strip()


def _parse(code: str) -> NumberFormat:
    section = code[:_MAX_FORMAT_CHARS].split(";")[0]
    bare = _LITERAL.sub("", _ELAPSED.sub("h", section))
    letters = bare.lower().replace("general", "")
    has_time = bool(re.search(r"[hs]", letters))
    has_date = bool(re.search(r"[dy]", letters)) or ("m" in letters and not has_time)
    if has_date or has_time:
        return NumberFormat(has_date=has_date, has_time=has_time)
    digits = _DIGITS.search(bare)
    if digits is None or "E" in bare or "/" in bare:
        return GENERAL
    decimals = digits[1] or ""
    marked = _LITERAL.sub(lambda found: found[1] or found[2] or found[3] or "", section)
    place = _DIGITS.search(marked)
    before, after = (marked[: place.start()], marked[place.end() :]) if place else ("", "")
    return NumberFormat(
        is_general=False,
        is_percent="%" in bare,
        has_thousands="," in digits[0],
        n_decimals=min(len(decimals), 15),
        n_least_digits=min(digits[0].partition(".")[0].count("0"), 30),
        n_optional=min(len(decimals) - len(decimals.rstrip("#?")), 15),
        prefix=before.lstrip("( "),
        suffix=after.strip("()").rstrip(),
    )


def _show_general(value: float) -> str:
    if value == int(value) and abs(value) < 1e15:
        return str(int(value))
    return f"{value:.10g}"


def _show_moment(value: float, shape: NumberFormat, is_1904: bool) -> str:
    if not 0 <= value < _MAX_SERIAL:
        return ""
    if not shape.has_date:
        minutes = round(value * 24 * 60)
        return f"{minutes // 60:02d}:{minutes % 60:02d}"
    epoch = _EPOCH_1904 if is_1904 else _EPOCH_1900
    if not is_1904 and value < 60:
        epoch += timedelta(days=1)  # Excel counts a 29 February 1900
    try:
        moment = epoch + timedelta(seconds=round(value * 86_400))
    except OverflowError:
        return ""
    return moment.strftime("%Y-%m-%d %H:%M" if shape.has_time else "%Y-%m-%d")
