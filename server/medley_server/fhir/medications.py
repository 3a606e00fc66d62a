"""Drugs that the document lists."""

from medley.records import MedicationStatus
from medley.results import Found, FoundMedication

from medley_server.fhir.datatypes import concept, quantity
from medley_server.fhir.resource import Json, Scope, resource
from medley_server.normal_forms import dose_of

STATUSES = {
    MedicationStatus.ACTIVE: "active",
    MedicationStatus.NEW: "active",
    MedicationStatus.CHANGED: "active",
    MedicationStatus.HELD: "on-hold",
    MedicationStatus.DISCONTINUED: "stopped",
}


def medication_statement(path: str, row: FoundMedication, scope: Scope) -> Json | None:
    """A drug; None where its name was not found."""
    if not scope.holds(row.name):
        return None
    indication = scope.kept(row.indication)
    return resource(
        "MedicationStatement",
        path,
        scope,
        [v for name in type(row).model_fields if isinstance(v := getattr(row, name), Found)],
        status=_status(scope.kept(row.status)),
        medicationCodeableConcept=concept(row.name, row.code),
        subject=scope.subject,
        reasonCode=[concept(indication)] if indication else None,
        dosage=_dosage(row, scope),
    )


def _status(found: Found | None) -> str:
    is_known = found is not None and found.value in set(MedicationStatus)
    return STATUSES[MedicationStatus(found.value)] if found and is_known else "unknown"


def _dosage(row: FoundMedication, scope: Scope) -> list[Json] | None:
    dose, route, frequency = (scope.kept(v) for v in (row.dose, row.route, row.frequency))
    printed = [v.text or v.value for v in (dose, route, frequency) if v]
    if not printed and not row.prn:
        return None
    made: Json = {}
    if printed:
        made["text"] = " ".join([*printed, *(["as needed"] if row.prn else [])])
    if frequency:
        made["timing"] = {"code": concept(frequency)}
    if row.prn:
        made["asNeededBoolean"] = True
    if route:
        made["route"] = concept(route)
    if amount := _amount(dose):
        made["doseAndRate"] = [amount]
    return [made]


def _amount(found: Found | None) -> Json | None:
    """The dose in numbers; a rate is no dose. None for what has no normal form."""
    amount = dose_of(found.value, ".") if found else None
    if amount is None or amount.decimal is None or amount.unit is None:
        return None
    low = quantity(amount.decimal, ucum=amount.unit)
    if amount.upper:
        return {"doseRange": {"low": low, "high": quantity(amount.upper, ucum=amount.unit)}}
    return {"rateQuantity" if "/" in amount.unit else "doseQuantity": low}
