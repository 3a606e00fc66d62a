"""Printed dates and times of day."""

import re
from datetime import date, time

from medley_server.normal_forms.conventions import Conventions
from medley_server.normal_forms.normal_form import NormalForm
from medley_server.normal_forms.spelling import plain, spellings

DAY_OR_MONTH = "the first two numbers may be day and month or month and day"
_CENTURY, _PIVOT = 2000, 69
"""Two digits of a year below the pivot are of this century, as in POSIX."""
_ISO = re.compile(r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})")
_NUMERIC = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4}|\d{2})")
_NAMED = (
    re.compile(
        r"(?P<day>\d{1,2})(?:st|nd|rd|th|\.)?[ -]*"
        r"(?P<month>[^\W\d_][^\d\s.,-]{2,})\.?[ ,-]*(?P<year>\d{4}|\d{2})"
    ),
    re.compile(
        r"(?P<month>[^\W\d_][^\d\s.,-]{2,})\.? *(?P<day>\d{1,2})(?:st|nd|rd|th)?,? +(?P<year>\d{4})"
    ),
)
_CLOCK = re.compile(r"(\d{1,2})[:.h](\d{2})(?::(\d{2}))?\s*(a\.?m\.?|p\.?m\.?|uhr|hrs?|h)?")
_FOUR_DIGITS = re.compile(r"([01]\d|2[0-3])([0-5]\d)\s*(?:hrs?|h|uhr)?")
_HOUR = re.compile(r"(\d{1,2})\s*(a\.?m\.?|p\.?m\.?|uhr)")
_NOON = 12
_BETWEEN = re.compile(r"(?:\s*,\s*|\s+(?:at|um|@)\s+|\s*t\s*(?=\d)|\s+)")


def date_of(text: str, conventions: Conventions | None = None) -> NormalForm | None:
    """A day as ISO date; None where the text is none. An ambiguous one stays as printed."""
    bare = plain(text).strip(" .,")
    if found := _ISO.fullmatch(bare):
        return _day(text, found[1], found[3], found[4])
    for pattern in _NAMED:
        found = pattern.fullmatch(bare)
        month = spellings("words", "months").get(found["month"]) if found else None
        if found and month:
            return _day(text, found["year"], month, found["day"])
    if found := _NUMERIC.fullmatch(bare):
        return _numeric(text, found, conventions or Conventions())
    return None


def _numeric(text: str, found: re.Match[str], conventions: Conventions) -> NormalForm | None:
    first, mark, second, year = found.groups()
    # Nobody writes the month first and puts points.
    order = "dmy" if mark == "." else conventions.date_order
    by_day, by_month = _day(text, year, second, first), _day(text, year, first, second)
    if by_day and by_month and by_day != by_month and order is None:
        return NormalForm.printed(text, DAY_OR_MONTH)
    if order == "dmy":
        return by_day
    return by_month if order == "mdy" else by_day or by_month


def _day(text: str, year: str, month: str, day: str) -> NormalForm | None:
    full_year = int(year)
    if len(year) == 2:
        full_year += _CENTURY if full_year < _PIVOT else _CENTURY - 100
    try:
        return NormalForm(date(full_year, int(month), int(day)).isoformat())
    except ValueError:
        return None


def time_of(text: str) -> str | None:
    """A time of day as ``HH:MM``, with seconds where they are printed; None where it is none."""
    bare = plain(text).strip(" ,")
    if found := _FOUR_DIGITS.fullmatch(bare):
        return f"{found[1]}:{found[2]}"
    if found := _CLOCK.fullmatch(bare):
        return _clock(int(found[1]), int(found[2]), found[3], found[4] or "")
    if found := _HOUR.fullmatch(bare):
        return _clock(int(found[1]), 0, None, found[2])
    return None


def _clock(hour: int, minute: int, second: str | None, half: str) -> str | None:
    if half[:1] in ("a", "p") and 1 <= hour <= _NOON:
        hour = hour % _NOON + (_NOON if half[0] == "p" else 0)
    elif half[:1] in ("a", "p"):
        return None
    try:
        said = time(hour, minute, int(second or 0))
    except ValueError:
        return None
    return said.isoformat("seconds" if second else "minutes")


def moment_of(text: str, conventions: Conventions | None = None) -> NormalForm | None:
    """A time, a day, or a day with a time as ``2024-03-12T06:00``; None where it is none."""
    bare = plain(text)
    if at := time_of(bare):
        return NormalForm(at)
    if day := date_of(bare, conventions):
        return day if day.is_known else NormalForm.printed(text, day.note)
    for gap in _BETWEEN.finditer(bare):
        day, at = date_of(bare[: gap.start()], conventions), time_of(bare[gap.end() :])
        if day and at:
            return NormalForm(f"{day.value}T{at}") if day.is_known else _printed(text, day)
    return None


def _printed(text: str, day: NormalForm) -> NormalForm:
    return NormalForm.printed(text, day.note)
