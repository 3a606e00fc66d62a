"""Diagnoses: of the patient, and of the family."""

import re

from medley.records import Assertion
from medley.results import Code, Found, FoundDiagnosis

from medley_server.fhir.datatypes import coded, concept
from medley_server.fhir.resource import Json, Scope, resource

STATUSES: dict[Assertion, tuple[str | None, str]] = {
    Assertion.PRESENT: ("active", "confirmed"),
    Assertion.POSSIBLE: ("active", "provisional"),
    Assertion.ABSENT: (None, "refuted"),
    Assertion.HISTORY: ("inactive", "confirmed"),
}
"""Clinical and verification status."""
# Longer codes are of a national edition, and pages do not say which.
_ICD_10 = re.compile(r"[A-Z]\d{2}(\.\d)?")
_ICD_10_SYSTEM = "http://hl7.org/fhir/sid/icd-10"


def condition(path: str, row: FoundDiagnosis, scope: Scope) -> Json | None:
    """A diagnosis; None where its name was not found."""
    if not scope.holds(row.name):
        return None
    said = row.assertion.value if row.assertion else None
    if said == Assertion.FAMILY:
        return _family_history(path, row, scope)
    elements: Json = {"code": _code(row, scope), "subject": scope.subject}
    if said in set(Assertion):
        clinical, verification = STATUSES[Assertion(said)]
        if clinical:
            elements["clinicalStatus"] = coded("condition-clinical", clinical)
        elements["verificationStatus"] = coded("condition-ver-status", verification)
    return resource("Condition", path, scope, _values(row), **elements)


def _family_history(path: str, row: FoundDiagnosis, scope: Scope) -> Json:
    return resource(
        "FamilyMemberHistory",
        path,
        scope,
        _values(row),
        status="partial",
        patient=scope.subject,
        relationship=coded("v3-RoleCode", "FAMMEM", "family member"),
        condition=[{"code": _code(row, scope)}],
    )


def _values(row: FoundDiagnosis) -> list[Found]:
    return [value for value in (row.name, row.printed_code, row.assertion) if value]


def _code(row: FoundDiagnosis, scope: Scope) -> Json:
    printed = scope.kept(row.printed_code)
    if row.code is not None or printed is None:
        return concept(row.name, row.code)
    if _ICD_10.fullmatch(printed.value):
        return concept(row.name, Code(system=_ICD_10_SYSTEM, code=printed.value))
    return concept(row.name) | {"coding": [{"code": printed.value}]}
