"""All checks together."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass

from medley.records import SECTIONS
from medley.results import ExtractionWarning, Found, FoundRecord, FoundRow

from medley_server.normal_forms import Conventions
from medley_server.safety.certainty import check_certainty
from medley_server.safety.chart import Chart
from medley_server.safety.comparators import check_comparators
from medley_server.safety.decimals import (
    check_ambiguity,
    check_decimal_marks,
    check_normal_forms,
)
from medley_server.safety.doses import check_doses
from medley_server.safety.duplicates import check_duplicates
from medley_server.safety.flags import check_flags
from medley_server.safety.places import check_places
from medley_server.safety.plausibility import check_plausibility
from medley_server.safety.units import check_units

Check = Callable[[Chart], Iterator[ExtractionWarning]]

CHECKS: tuple[Check, ...] = (
    check_certainty,
    check_units,
    check_normal_forms,
    check_ambiguity,
    check_decimal_marks,
    check_plausibility,
    check_comparators,
    check_flags,
    check_doses,
    check_duplicates,
    check_places,
)
"""Every check, in the order in which its warnings are given."""


@dataclass(frozen=True, slots=True)
class Assessment:
    """What the checks say.

    Attributes:
        warnings: In the order of `CHECKS`.
        review: Paths of the values that a person should look at.
    """

    warnings: tuple[ExtractionWarning, ...]
    review: frozenset[str]


def assess(
    record: FoundRecord,
    *,
    confidence_min: float = 0.0,
    conventions: Conventions | None = None,
    leads: Mapping[str, str] | None = None,
) -> Assessment:
    """Check a record; it stays as it is.

    Args:
        record: With normal forms, units and matches filled in.
        confidence_min: Values that are less sure are for review.
        conventions: Of the document's whole text; from the record's own texts when None.
        leads: Under a value's path what `medley.grounding.Place.lead` said.
    """
    chart = Chart(
        record=record,
        confidence_min=confidence_min,
        conventions=conventions or _conventions(record),
        leads=leads or {},
    )
    warnings = tuple(found for check in CHECKS for found in check(chart))
    paths = {path for path, _, _ in chart.found()}
    # A warning about a whole row is about its name.
    review = {w.path if w.path in paths else f"{w.path}.name" for w in warnings}
    return Assessment(warnings, frozenset(review & paths))


def _conventions(record: FoundRecord) -> Conventions:
    chart = Chart(record=record)
    return Conventions.of(" | ".join(found.text or "" for _, _, found in chart.found()))


def marked(record: FoundRecord, review: Collection[str]) -> FoundRecord:
    """The record with those values marked for review; marks that are there stay."""
    rows = {
        section: tuple(
            _marked(row, f"{section}[{index}]", review)
            for index, row in enumerate(getattr(record, section))
        )
        for section in SECTIONS
    }
    return record.model_copy(update=rows)


def _marked(row: FoundRow, path: str, review: Collection[str]) -> FoundRow:
    values = {
        name: found.model_copy(update={"review": True})
        for name in type(row).model_fields
        if isinstance(found := getattr(row, name), Found) and f"{path}.{name}" in review
    }
    return row.model_copy(update=values) if values else row
