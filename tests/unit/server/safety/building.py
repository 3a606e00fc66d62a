"""Found records: of single values, and of a whole true record; and what is told of them."""

from medley.records import Diagnosis, Lab, Leaf, MedicalRecord, Medication, Procedure, Vital
from medley.results import (
    Found,
    FoundDiagnosis,
    FoundLab,
    FoundMedication,
    FoundProcedure,
    FoundRecord,
    FoundVital,
    Match,
)
from medley_server.safety import assess

BOX = (0.1, 0.2, 0.3, 0.22)


def found(value: str, text: str | None = None, *, match: Match = Match.EXACT) -> Found:
    return Found(value=value, text=text or value, page=1, bbox=BOX, match=match, confidence=0.9)


def concluded(value: str) -> Found:
    return Found(value=value, match=Match.CONCLUDED)


def lab(
    name: str,
    value: str,
    unit: str | None = None,
    *,
    text: str | None = None,
    ucum: str | None = None,
    comparator: str | None = None,
    reference: str | None = None,
    flag: str | None = None,
    at: str | None = None,
) -> FoundLab:
    return FoundLab(
        name=found(name),
        value=found(value, text),
        value_decimal=value,
        comparator=comparator,
        unit=found(ucum or unit, unit) if unit else None,
        unit_ucum=ucum or unit,
        reference_range=found(reference) if reference else None,
        flag=found(flag) if flag else None,
        taken_at=found(at) if at else None,
    )


def vital(name: str, value: str, unit: str, *, at: str | None = None) -> FoundVital:
    return FoundVital(
        name=found(name),
        value=found(value),
        value_decimal=None if "/" in value else value,
        unit=found(unit),
        unit_ucum=unit,
        taken_at=found(at) if at else None,
    )


def medication(name: str, dose: str | None, *, text: str | None = None) -> FoundMedication:
    return FoundMedication(name=found(name), dose=found(dose, text) if dose else None)


def labs(*rows: FoundLab) -> FoundRecord:
    return FoundRecord(labs=rows)


def codes(record: FoundRecord, **settings: object) -> dict[str, str]:
    """The path of each warning under its code."""
    assessment = assess(record, **settings)  # type: ignore[arg-type]
    return {warning.code: warning.path for warning in assessment.warnings}


def found_record(record: MedicalRecord) -> FoundRecord:
    """A record as it is answered when everything is read right."""
    return FoundRecord(
        medications=tuple(_medication(row) for row in record.medications),
        labs=tuple(_lab(row) for row in record.labs),
        vitals=tuple(_vital(row) for row in record.vitals),
        diagnoses=tuple(_diagnosis(row) for row in record.diagnoses),
        procedures=tuple(_procedure(row) for row in record.procedures),
    )


def _of(leaf: Leaf | None) -> Found | None:
    return found(leaf.value, leaf.text) if leaf else None


def _name(leaf: Leaf) -> Found:
    return found(leaf.value, leaf.text)


def _medication(row: Medication) -> FoundMedication:
    return FoundMedication(
        name=_name(row.name),
        dose=_of(row.dose),
        route=_of(row.route),
        frequency=_of(row.frequency),
        prn=row.prn,
        status=concluded(row.status.value),
        indication=_of(row.indication),
    )


def _lab(row: Lab) -> FoundLab:
    return FoundLab(
        name=_name(row.name),
        value=_of(row.value),
        value_decimal=row.value.value,
        comparator=row.comparator,
        unit=_of(row.unit),
        unit_ucum=row.unit.value if row.unit else None,
        reference_range=_of(row.reference_range),
        flag=_of(row.flag),
        taken_at=_of(row.taken_at),
    )


def _vital(row: Vital) -> FoundVital:
    return FoundVital(
        name=_name(row.name),
        value=_of(row.value),
        value_decimal=None if "/" in row.value.value else row.value.value,
        unit=_of(row.unit),
        unit_ucum=row.unit.value if row.unit else None,
        taken_at=_of(row.taken_at),
    )


def _diagnosis(row: Diagnosis) -> FoundDiagnosis:
    return FoundDiagnosis(
        name=_name(row.name), printed_code=_of(row.code), assertion=concluded(row.assertion.value)
    )


def _procedure(row: Procedure) -> FoundProcedure:
    return FoundProcedure(
        name=_name(row.name),
        laterality=_of(row.laterality),
        performed_on=_of(row.performed_on),
    )
