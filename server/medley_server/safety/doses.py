"""Doses that nobody takes.

``dose_implausible``: several times the largest single dose in use, or a small part of the smallest
one. ``dose_unit_unusual``: the drug is known and the unit is not one that it is dosed in: units for
milligrams, say. ``dose_unclear``: an amount without a known unit.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from medley.results import ExtractionWarning, Found

from medley_server.normal_forms import UcumAmount, dose_of, drug_name
from medley_server.safety.chart import Chart, warning
from medley_server.safety.plausible import table

EXTREME = 3
"""Beyond so many times the largest dose, or below one part in so many of the smallest."""
_MASS = {"g": Decimal(1000), "mg": Decimal(1), "ug": Decimal("0.001"), "ng": Decimal("0.000001")}
_COUNTED = ("{", "mL", "[drp]", "%", "L")
"""Tablets, puffs and volumes: what is in them is not said."""


def check_doses(chart: Chart) -> Iterator[ExtractionWarning]:
    """Hold every dose against the table."""
    for index, row in enumerate(chart.record.medications):
        if row.dose is None:
            continue
        path, found = f"medications[{index}].dose", row.dose
        amount = dose_of(found.text or found.value, chart.conventions.decimal_mark)
        if amount is None:
            if any(character.isdigit() for character in found.value):
                message = f"{found.text or found.value!r} is no amount with a known unit"
                yield warning("dose_unclear", path, found, message)
            continue
        drug = drug_name(row.name.text or row.name.value)
        entry = table("doses")["drugs"].get(drug)
        if entry and amount.decimal and amount.unit:
            yield from _held_against(entry, str(drug), amount, path, found)


def _held_against(
    entry: Mapping[str, Any], drug: str, amount: UcumAmount, path: str, found: Found
) -> Iterator[ExtractionWarning]:
    unit = str(amount.unit)
    limits = entry.get("rate" if "/" in unit else "single")
    if unit.startswith(_COUNTED) or limits is None:
        return
    low, high, usual = limits
    factor = _factor(unit, usual)
    if factor is None:
        # Rates per kilogram and per patient differ; the weight is not known here.
        if _kind(unit) != _kind(usual):
            message = f"{drug} is dosed in {usual}, not in {unit}"
            yield warning("dose_unit_unusual", path, found, message)
        return
    number = Decimal(amount.upper or str(amount.decimal)) * factor
    if not Decimal(low) / EXTREME <= number <= Decimal(high) * EXTREME:
        message = f"{drug} {amount} is far from what is in use ({low} to {high} {usual})"
        yield warning("dose_implausible", path, found, message)


def _factor(unit: str, usual: str) -> Decimal | None:
    """How much of `usual` one `unit` is; masses are converted, nothing else."""
    first, _, rest = unit.partition("/")
    usual_first, _, usual_rest = usual.partition("/")
    if rest != usual_rest:
        return None
    if first == usual_first:
        return Decimal(1)
    if first in _MASS and usual_first in _MASS:
        return _MASS[first] / _MASS[usual_first]
    return None


def _kind(unit: str) -> str:
    first = unit.partition("/")[0]
    return "mass" if first in _MASS else first
