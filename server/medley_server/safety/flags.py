"""Flags against reference ranges.

``flag_contradicts``: high where the value is low, or the reverse. ``flag_unexpected``: a flag on a
value inside its range. ``flag_missing``: none on a value outside, in a document that has flags.
Value, range or flag is misread, or of another row.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Literal

from medley.records import Flag
from medley.results import ExtractionWarning, FoundLab

from medley_server.normal_forms import flag_of, range_of
from medley_server.safety.chart import Chart, Reading, warning

Side = Literal["high", "low", "inside"]


def check_flags(chart: Chart) -> Iterator[ExtractionWarning]:
    """Compare value, range and flag of every laboratory result."""
    has_flags = any(lab.flag for lab in chart.record.labs)
    for reading in chart.readings:
        side = _side(reading, chart)
        if side is None or not isinstance(reading.row, FoundLab):
            continue
        flag = _flagged(reading.row)
        if flag is None:
            if side != "inside" and has_flags and reading.row.flag is None:
                message = f"{_said(reading)} is {side} and not flagged"
                yield warning("flag_missing", reading.path, reading.value, message)
        elif flag != side:
            code = "flag_unexpected" if side == "inside" else "flag_contradicts"
            message = f"{_said(reading)} is flagged {flag} and is {side}"
            yield warning(code, reading.path, reading.value, message)


def _said(reading: Reading) -> str:
    assert isinstance(reading.row, FoundLab)
    limits = reading.row.reference_range
    return f"{reading.value.value} (reference {limits.value if limits else '?'})"


def _flagged(row: FoundLab) -> Side | None:
    if row.flag is None:
        return None
    flag = flag_of(row.flag.value)
    if not flag.is_known and row.flag.value not in set(Flag):
        return None
    word = flag.value if flag.is_known else row.flag.value
    return "high" if word in (Flag.HIGH, Flag.CRITICAL_HIGH) else "low"


def _side(reading: Reading, chart: Chart) -> Side | None:
    """Where the value is; None where that cannot be told: `<5` may be anything below five."""
    row = reading.row
    if not isinstance(row, FoundLab) or row.reference_range is None or len(reading.numbers) != 1:
        return None
    mark = chart.conventions.decimal_mark
    limits = range_of(row.reference_range.text or row.reference_range.value, mark)
    if limits is None:
        return None
    (number,), comparator = reading.numbers, row.comparator or ""
    low = None if limits.low is None else Decimal(limits.low)
    high = None if limits.high is None else Decimal(limits.high)
    if comparator:
        return _open_side(number, comparator, low, high)
    if high is not None and number > high:
        return "high"
    return "low" if low is not None and number < low else "inside"


def _open_side(
    number: Decimal, comparator: str, low: Decimal | None, high: Decimal | None
) -> Side | None:
    if comparator.startswith("<"):
        if low is not None and number < low:
            return "low"
        return "inside" if low is None and high is not None and number <= high else None
    if high is not None and number > high:
        return "high"
    return "inside" if high is None and low is not None and number >= low else None
