"""Numbers that may not be what was printed.

``normal_form_differs``: the normal form is not what the printed text says. ``ambiguous``: the text
could mean two things. ``decimal_lost``: the value has fewer decimals than its reference range, is
far above it, and with the mark in place would be near it. ``number_unclear``: digits among letters
that look like digits, or digits with a gap.
"""

import re
from collections.abc import Iterator
from decimal import Decimal

from medley.results import ExtractionWarning, Found, FoundLab, FoundRow

from medley_server.normal_forms import normal_form, number_of, range_of
from medley_server.safety.chart import Chart, Reading, warning

_FAR = 3
_NEAR = 2
_UNCLEAR = re.compile(r"(?=.*\d)(?=.*[OolISBZ|\s])[\dOolISBZ|.,\s<>=+-]+")


def check_normal_forms(chart: Chart) -> Iterator[ExtractionWarning]:
    """Read every printed text again, and compare."""
    for path, row, found in chart.found():
        if found.text is None or found.value == found.text:
            continue
        section, field = path.partition("[")[0], path.rpartition(".")[2]
        form = normal_form(
            section,
            field,
            found.text,
            conventions=chart.conventions,
            name=row.name.text or "",
            value=_value_text(row),
        )
        if form.is_known and form.value != found.value:
            message = f"{found.text!r} says {form.value}, not {found.value}"
            yield warning("normal_form_differs", path, found, message)


def check_ambiguity(chart: Chart) -> Iterator[ExtractionWarning]:
    """Tell what was left as it is printed because it could be two things."""
    for path, row, found in chart.found():
        if found.text is None:
            continue
        section, field = path.partition("[")[0], path.rpartition(".")[2]
        name = row.name.text or ""
        form = normal_form(section, field, found.text, conventions=chart.conventions, name=name)
        if form.note:
            yield warning("ambiguous", path, found, f"{found.text!r}: {form.note}")


def _value_text(row: FoundRow) -> str:
    value = getattr(row, "value", None)
    return value.text or "" if isinstance(value, Found) else ""


def check_decimal_marks(chart: Chart) -> Iterator[ExtractionWarning]:
    """Look for marks that OCR lost, and for letters among digits."""
    for reading in chart.readings:
        text = reading.value.text or ""
        if number_of(text) is None and "/" not in text and _UNCLEAR.fullmatch(text.strip()):
            message = f"{text!r} has letters or gaps where digits should be"
            yield warning("number_unclear", reading.path, reading.value, message)
        elif _has_lost_mark(reading, chart):
            assert isinstance(reading.row, FoundLab)
            range_text = reading.row.reference_range.text if reading.row.reference_range else ""
            message = f"{text!r} has no decimals and its range {range_text!r} has"
            yield warning("decimal_lost", reading.path, reading.value, message)


def _has_lost_mark(reading: Reading, chart: Chart) -> bool:
    row = reading.row
    if not isinstance(row, FoundLab) or row.reference_range is None or len(reading.numbers) != 1:
        return False
    printed = row.reference_range.text or row.reference_range.value
    limits = range_of(printed, chart.conventions.decimal_mark)
    if limits is None or limits.high is None:
        return False
    (number,), high = reading.numbers, Decimal(limits.high)
    low = Decimal(limits.low or 0)
    places = -int(high.normalize().as_tuple().exponent)
    places = max(places, len(limits.high.partition(".")[2]))
    if number != number.to_integral_value() or "." in str(number) or places < 1:
        return False
    shifted = number.scaleb(-places)
    return number > _FAR * high and low / _NEAR <= shifted <= high * _NEAR
