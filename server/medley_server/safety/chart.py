"""A record as the checks look at it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property

from medley.records import SECTIONS
from medley.results import ExtractionWarning, Found, FoundLab, FoundRecord, FoundRow, FoundVital

from medley_server.normal_forms import Conventions, lab_name, number_of, vital_name


@dataclass(frozen=True, slots=True)
class Reading:
    """A number with its unit, of a laboratory result or a vital sign.

    Attributes:
        path: Of the value, such as ``labs[0].value``.
        name: The full name of what was measured; None where it is not known.
        numbers: As printed; two for a blood pressure; none where the value is no number.
        unit: In UCUM; ``1`` where none is printed; None where the printed one is not known.
    """

    path: str
    row: FoundLab | FoundVital
    value: Found
    name: str | None
    numbers: tuple[Decimal, ...]
    unit: str | None

    @property
    def start(self) -> str:
        """The path of the row."""
        return self.path.rpartition(".")[0]

    @property
    def section(self) -> str:
        """``labs`` or ``vitals``."""
        return self.path.partition("[")[0]


@dataclass(frozen=True, kw_only=True)
class Chart:
    """What the checks are given.

    Attributes:
        confidence_min: Values that are less sure are for review.
        conventions: How the document writes numbers and dates.
        leads: Under a value's path, what is printed directly before the place where it was found
            and is no part of it (`medley.grounding.Place.lead`).
    """

    record: FoundRecord
    confidence_min: float = 0.0
    conventions: Conventions = field(default_factory=Conventions)
    leads: Mapping[str, str] = field(default_factory=dict)

    def rows(self) -> Iterator[tuple[str, FoundRow]]:
        """Every row under its path."""
        for section in SECTIONS:
            for index, row in enumerate(getattr(self.record, section)):
                yield f"{section}[{index}]", row

    def found(self) -> Iterator[tuple[str, FoundRow, Found]]:
        """Every value under its path, with its row."""
        for start, row in self.rows():
            for name in type(row).model_fields:
                value = getattr(row, name)
                if isinstance(value, Found):
                    yield f"{start}.{name}", row, value

    @cached_property
    def readings(self) -> tuple[Reading, ...]:
        """All measurements that have a value."""
        return tuple(
            self._reading(start, row, row.value)
            for start, row in self.rows()
            if isinstance(row, FoundLab | FoundVital) and row.value is not None
        )

    def _reading(self, start: str, row: FoundLab | FoundVital, value: Found) -> Reading:
        printed = row.name.text or row.name.value
        is_lab = isinstance(row, FoundLab)
        name = lab_name(printed) if is_lab else vital_name(printed, value.value)
        unit = row.unit_ucum if row.unit else "1"
        return Reading(f"{start}.value", row, value, name, self._numbers(value), unit)

    def _numbers(self, value: Found) -> tuple[Decimal, ...]:
        mark = self.conventions.decimal_mark if value.value == value.text else "."
        parts = [number_of(part.strip(), mark) for part in value.value.split("/")]
        if any(part is None or part.decimal is None for part in parts):
            return ()
        return tuple(Decimal(part.decimal) for part in parts if part and part.decimal)


def warning(code: str, path: str, found: Found, message: str) -> ExtractionWarning:
    """A warning about a value, on the page where it was found."""
    return ExtractionWarning(code=code, path=path, message=message, page=found.page)
