"""Values that no patient has.

``factor_of_ten``: the value is beyond what is possible, and ten or a hundred times more or less
would be possible: a decimal mark was lost, moved or added. ``implausible``: none would be.
"""

from collections.abc import Iterator
from decimal import Decimal

from medley.results import ExtractionWarning

from medley_server.safety.chart import Chart, Reading, warning
from medley_server.safety.plausible import Limits, limits_of

_FACTORS = tuple(Decimal(factor) for factor in ("10", "0.1", "100", "0.01"))


def check_plausibility(chart: Chart) -> Iterator[ExtractionWarning]:
    """Hold every measurement against the limits of its analyte."""
    for reading in chart.readings:
        limits = _limits(reading)
        if limits is None or not reading.numbers:
            continue
        if not all(limits.hold(number) for number in reading.numbers):
            yield _beyond(reading, limits)
        elif _is_upside_down(reading):
            message = f"{reading.value.value}: the diastolic pressure is not below the systolic"
            yield warning("implausible", reading.path, reading.value, message)


def _limits(reading: Reading) -> Limits | None:
    """Without a printed unit the widest limits of all: only what is impossible in any unit."""
    usual = limits_of(reading.section, reading.name)
    if reading.unit != "1" or not usual:
        return usual.get(reading.unit or "")
    return Limits(
        min(limits.low for limits in usual.values()), max(limits.high for limits in usual.values())
    )


def _beyond(reading: Reading, limits: Limits) -> ExtractionWarning:
    unit = "" if reading.unit == "1" else f" {reading.unit}"
    message = f"{reading.name} is {reading.value.value}{unit}, beyond {limits.low} to {limits.high}"
    beyond = [number for number in reading.numbers if not limits.hold(number)]
    for factor in _FACTORS:
        if all(limits.hold(number * factor) for number in beyond):
            code, why = "factor_of_ten", "a decimal mark may be lost or misplaced"
            return warning(code, reading.path, reading.value, f"{message}; {why}")
    return warning("implausible", reading.path, reading.value, message)


def _is_upside_down(reading: Reading) -> bool:
    if reading.name != "blood pressure" or len(reading.numbers) != 2:
        return False
    systolic, diastolic = reading.numbers
    return diastolic >= systolic
