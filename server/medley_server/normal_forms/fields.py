"""The normal form of any field of a record."""

from collections.abc import Callable
from dataclasses import dataclass, field

from medley_server.normal_forms.amounts import dose_of
from medley_server.normal_forms.conventions import Conventions
from medley_server.normal_forms.dates import moment_of
from medley_server.normal_forms.frequencies import frequency_of
from medley_server.normal_forms.names import (
    counts_cells,
    counts_international_units,
    drug_name,
    lab_name,
    vital_name,
)
from medley_server.normal_forms.normal_form import NormalForm
from medley_server.normal_forms.numbers import number_of
from medley_server.normal_forms.ranges import range_of
from medley_server.normal_forms.spelling import plain
from medley_server.normal_forms.units import ucum_of
from medley_server.normal_forms.words import flag_of, laterality_of, route_of


@dataclass(frozen=True, slots=True, kw_only=True)
class _Printed:
    text: str
    section: str
    name: str
    value: str
    conventions: Conventions = field(default_factory=Conventions)


def normal_form(
    section: str,
    field: str,
    text: str,
    *,
    conventions: Conventions | None = None,
    name: str = "",
    value: str = "",
) -> NormalForm:
    """The normal form of one value; without a known one the text as it is printed.

    Args:
        section: The list of the record, such as ``labs``.
        field: Of the row, such as ``value``.
        text: As printed.
        conventions: How the document writes, where that is known.
        name: The printed name of the row. It tells what some units mean.
        value: The printed value of the row. It tells what some names mean.
    """
    read = _FIELDS.get((section, field)) or _COMMON.get(field)
    if read is None or not text.strip():
        return NormalForm.printed(text)
    printed = _Printed(
        text=text,
        section=section,
        name=name,
        value=value,
        conventions=conventions or Conventions(),
    )
    return read(printed) or NormalForm.printed(text)


def _number(printed: _Printed) -> NormalForm | None:
    number = number_of(printed.text, printed.conventions.decimal_mark)
    if number is None:
        return None
    return (
        NormalForm(number.decimal)
        if number.decimal
        else NormalForm.printed(printed.text, number.note)
    )


def _vital(printed: _Printed) -> NormalForm | None:
    """A number, or the two of a blood pressure."""
    upper, slash, lower = plain(printed.text).partition("/")
    mark = printed.conventions.decimal_mark
    if not slash:
        return _number(printed)
    systolic, diastolic = number_of(upper.strip(), mark), number_of(lower.strip(), mark)
    if not (systolic and diastolic and systolic.decimal and diastolic.decimal):
        return None
    return NormalForm(f"{systolic.decimal}/{diastolic.decimal}")


def _unit(printed: _Printed) -> NormalForm | None:
    analyte = lab_name(printed.name) if printed.section == "labs" else None
    unit = ucum_of(
        printed.text,
        section=printed.section,
        is_international=counts_international_units(analyte),
        counts_cells=counts_cells(analyte),
    )
    return NormalForm(unit) if unit else None


def _dose(printed: _Printed) -> NormalForm | None:
    dose = dose_of(printed.text, printed.conventions.decimal_mark)
    if dose is None:
        return None
    return NormalForm.printed(printed.text, dose.note) if dose.note else NormalForm(str(dose))


def _range(printed: _Printed) -> NormalForm | None:
    limits = range_of(printed.text, printed.conventions.decimal_mark)
    return NormalForm(str(limits)) if limits else None


def _moment(printed: _Printed) -> NormalForm | None:
    return moment_of(printed.text, printed.conventions)


def _laterality(printed: _Printed) -> NormalForm | None:
    side = laterality_of(printed.text)
    return NormalForm(side.value) if side else None


def _code(printed: _Printed) -> NormalForm | None:
    bare = printed.text.strip().strip("()").upper()
    return NormalForm(bare) if bare else None


def _named(name: str | None) -> NormalForm | None:
    return NormalForm(name) if name else None


_Reader = Callable[[_Printed], NormalForm | None]
_COMMON: dict[str, _Reader] = {
    "unit": _unit,
    "taken_at": _moment,
    "performed_on": _moment,
    "reference_range": _range,
    "laterality": _laterality,
    "dose": _dose,
    "code": _code,
    "printed_code": _code,
    "route": lambda printed: route_of(printed.text),
    "frequency": lambda printed: frequency_of(printed.text),
    "flag": lambda printed: flag_of(printed.text),
}
_FIELDS: dict[tuple[str, str], _Reader] = {
    ("labs", "value"): _number,
    ("vitals", "value"): _vital,
    ("labs", "name"): lambda printed: _named(lab_name(printed.text)),
    ("vitals", "name"): lambda printed: _named(vital_name(printed.text, printed.value)),
    ("medications", "name"): lambda printed: _named(drug_name(printed.text)),
}
