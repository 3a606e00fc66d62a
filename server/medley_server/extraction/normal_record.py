"""A record's printed values with their normal forms."""

from collections.abc import Iterator
from typing import Any

from medley.records import SECTIONS
from medley.results import Found, FoundRecord, FoundRow, Match

from medley_server.normal_forms import Conventions, NormalForm, normal_form, number_of

_FIELD_OF = {("diagnoses", "printed_code"): "code"}


def with_normal_forms(record: FoundRecord, conventions: Conventions) -> FoundRecord:
    """The same record with normal forms; what could mean two things stays as it is printed."""
    return record.model_copy(
        update={
            section: tuple(_row(section, row, conventions) for row in getattr(record, section))
            for section in SECTIONS
        }
    )


def _row(section: str, row: FoundRow, conventions: Conventions) -> FoundRow:
    forms = {name: _form(section, name, row, conventions) for name in _printed(row)}
    values: dict[str, Any] = {
        name: getattr(row, name).model_copy(update={"value": form.value})
        for name, form in forms.items()
    }
    value: Found | None = values.get("value")
    if value is not None:
        number = number_of(value.value, conventions.decimal_mark)
        values["value_decimal"] = number.decimal if number else None
        printed = number_of(value.text or value.value, conventions.decimal_mark)
        if section == "labs":
            values["comparator"] = (printed.comparator or None) if printed else None
    if "unit" in forms:
        values["unit_ucum"] = forms["unit"].value if forms["unit"].is_known else None
    return row.model_copy(update=values)


def _form(section: str, name: str, row: FoundRow, conventions: Conventions) -> NormalForm:
    found: Found = getattr(row, name)
    value: Found | None = getattr(row, "value", None)
    return normal_form(
        section,
        _FIELD_OF.get((section, name), name),
        found.value,
        conventions=conventions,
        name=row.name.value,
        value=value.value if value else "",
    )


def _printed(row: FoundRow) -> Iterator[str]:
    """The fields of a row that are copied from the page."""
    for name in type(row).model_fields:
        value = getattr(row, name)
        if isinstance(value, Found) and value.match is not Match.CONCLUDED:
            yield name
