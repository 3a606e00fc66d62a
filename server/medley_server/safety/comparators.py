"""Signs that were lost on the way.

``comparator_lost``: ``<0.5`` is printed and 0.5 is what would be read. ``sign_lost``: a minus or a
plus was left out. ``digit_lost``: a letter that may be a digit is printed directly before.
"""

from collections.abc import Iterator

from medley.results import ExtractionWarning, FoundLab

from medley_server.normal_forms import number_of
from medley_server.safety.chart import Chart, Reading, warning


def check_comparators(chart: Chart) -> Iterator[ExtractionWarning]:
    """Compare each value with its text and with what is printed before it."""
    for path, _, found in chart.found():
        lead = chart.leads.get(path, "")
        if lead:
            message = f"{lead!r} is printed before {found.text!r}"
            yield warning(_code(lead), path, found, message)
    for reading in chart.readings:
        if reading.path not in chart.leads and _is_lost(reading):
            message = f"{reading.value.text!r} has a comparator and the value has none"
            yield warning("comparator_lost", reading.path, reading.value, message)


def _code(lead: str) -> str:
    if lead[0] in "<>":
        return "comparator_lost"
    return "sign_lost" if lead in ("-", "+") else "digit_lost"


def _is_lost(reading: Reading) -> bool:
    number = number_of(reading.value.text or "")
    if number is None or not number.comparator or not isinstance(reading.row, FoundLab):
        return False
    return reading.row.comparator != number.comparator
