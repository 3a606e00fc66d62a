"""Units that are not known, or not of what was measured.

``unit_unknown``: a printed unit has no UCUM form. ``unit_unusual``: the analyte is known and never
reported in this unit; a wrong unit is a wrong value.
"""

from collections.abc import Iterator

from medley.results import ExtractionWarning

from medley_server.safety.chart import Chart, Reading, warning
from medley_server.safety.plausible import limits_of


def check_units(chart: Chart) -> Iterator[ExtractionWarning]:
    """Look at the unit of every measurement."""
    for reading in chart.readings:
        unit = reading.row.unit
        if unit is None:
            continue
        path = f"{reading.start}.unit"
        if reading.unit is None:
            yield warning(
                "unit_unknown", path, unit, f"{unit.text or unit.value!r} is no known unit"
            )
        elif _is_unusual(reading):
            message = f"{reading.name} is not reported in {reading.unit}"
            yield warning("unit_unusual", path, unit, message)


def _is_unusual(reading: Reading) -> bool:
    usual = limits_of(reading.section, reading.name)
    return bool(usual) and reading.unit not in usual and set(usual) != {"1"}
