"""Laboratory results and vital signs."""

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation

from medley.records import Flag
from medley.results import Found, FoundLab, FoundVital

from medley_server.fhir.datatypes import coded, concept, day_of, loinc_of, quantity
from medley_server.fhir.resource import Json, Scope, resource
from medley_server.normal_forms import range_of, vital_name

_FLAGS = {Flag.HIGH: "H", Flag.LOW: "L", Flag.CRITICAL_HIGH: "HH", Flag.CRITICAL_LOW: "LL"}
_PARTS = ("systolic blood pressure", "diastolic blood pressure")


def observation_of_lab(path: str, row: FoundLab, scope: Scope) -> Json | None:
    """A result; None where there is nothing to tell."""
    if row.value is None or not scope.holds(row.name) or not scope.holds(row.value):
        return None
    return resource(
        "Observation",
        path,
        scope,
        _values(row),
        status="unknown",
        category=[coded("observation-category", "laboratory", "Laboratory")],
        code=concept(row.name, row.code),
        subject=scope.subject,
        effectiveDateTime=day_of(scope.kept(row.taken_at)),
        **_measured(row, scope),
        interpretation=_interpretation(scope.kept(row.flag)),
        note=_note(scope.kept(row.taken_at)),
        referenceRange=_reference_range(row, scope),
    )


def observation_of_vital(path: str, row: FoundVital, scope: Scope) -> Json | None:
    """A vital sign; None where there is nothing to tell."""
    if row.value is None or not scope.holds(row.name) or not scope.holds(row.value):
        return None
    name = vital_name(row.name.text or row.name.value, row.value.value)
    parts = row.value.value.split("/")
    is_pressure = len(parts) == len(_PARTS) and all(map(_is_decimal, parts))
    measured = (
        {"component": _components(row, parts, scope)} if is_pressure else _measured(row, scope)
    )
    return resource(
        "Observation",
        path,
        scope,
        _values(row),
        status="unknown",
        category=[coded("observation-category", "vital-signs", "Vital Signs")],
        code=concept(row.name, row.code or loinc_of(name)),
        subject=scope.subject,
        effectiveDateTime=day_of(scope.kept(row.taken_at)),
        **measured,
        note=_note(scope.kept(row.taken_at)),
    )


def _values(row: FoundLab | FoundVital) -> list[Found]:
    return [v for name in type(row).model_fields if isinstance(v := getattr(row, name), Found)]


def _measured(row: FoundLab | FoundVital, scope: Scope) -> Json:
    assert row.value is not None
    number = row.value_decimal if row.value_decimal is not None else row.value.value
    if not _is_decimal(number):
        return {"valueString": row.value.text or row.value.value}
    comparator = row.comparator if isinstance(row, FoundLab) else None
    return {"valueQuantity": _quantity(number, row, scope, comparator)}


def _quantity(
    number: str, row: FoundLab | FoundVital, scope: Scope, comparator: str | None = None
) -> Json:
    unit = scope.kept(row.unit)
    ucum = row.unit_ucum if unit else None
    printed = (unit.text or unit.value) if unit else None
    return quantity(number, printed=printed, ucum=ucum, comparator=comparator)


def _components(row: FoundVital, parts: Sequence[str], scope: Scope) -> list[Json]:
    made = []
    for name, number in zip(_PARTS, parts, strict=True):
        code = loinc_of(name)
        assert code is not None
        coding = {"system": code.system, "code": code.code, "display": code.display}
        made.append({"code": {"coding": [coding]}, "valueQuantity": _quantity(number, row, scope)})
    return made


def _interpretation(flag: Found | None) -> list[Json] | None:
    if flag is None:
        return None
    code = _FLAGS.get(Flag(flag.value)) if flag.value in set(Flag) else None
    if code is None:
        return [{"text": flag.text or flag.value}]
    made = coded("v3-ObservationInterpretation", code)
    return [made | {"text": flag.text or flag.value}]


def _reference_range(row: FoundLab, scope: Scope) -> list[Json] | None:
    found = scope.kept(row.reference_range)
    if found is None:
        return None
    made: Json = {}
    limits = range_of(found.value, ".")
    if limits and limits.low is not None:
        made["low"] = _quantity(limits.low, row, scope)
    if limits and limits.high is not None:
        made["high"] = _quantity(limits.high, row, scope)
    return [made | {"text": found.text or found.value}]


def _note(taken_at: Found | None) -> list[Json] | None:
    if taken_at is None or day_of(taken_at) == taken_at.value:
        return None
    return [{"text": f"taken at {taken_at.text or taken_at.value}"}]


def _is_decimal(text: str) -> bool:
    try:
        return Decimal(text).is_finite()
    except InvalidOperation:
        return False
