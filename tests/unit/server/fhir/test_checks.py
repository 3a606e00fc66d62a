"""Our check of bundles fires on each kind of fault, and the tables are those of R4."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from medley.results import FoundDiagnosis, FoundMedication, FoundRecord
from medley_server.fhir import Issue, validate, with_outcome
from medley_server.fhir.checks import _read

from tests.unit.server.fhir.building import bundle, one
from tests.unit.server.safety.building import concluded, found, lab, vital

RECORD = FoundRecord(
    medications=(FoundMedication(name=found("metformin"), dose=found("500 mg")),),
    labs=(lab("potassium", "5.9", "mmol/L", reference="3.5-5.1", comparator=">", text=">5.9"),),
    vitals=(vital("blood pressure", "120/80", "mm[Hg]"),),
    diagnoses=(FoundDiagnosis(name=found("gout"), assertion=concluded("present")),),
)
Json = dict[str, Any]


def _lab(made: Json) -> Json:
    return next(e["resource"] for e in made["entry"] if "valueQuantity" in e["resource"])


def _set(kind: str, element: str, value: object) -> Callable[[Json], None]:
    def change(made: Json) -> None:
        one(made, kind)[element] = value

    return change


def _drop(kind: str, element: str) -> Callable[[Json], None]:
    return lambda made: one(made, kind).pop(element)


def _of_lab(change: Callable[[Json], object]) -> Callable[[Json], None]:
    def changed(made: Json) -> None:
        change(_lab(made))

    return changed


def test_a_right_bundle_has_no_issue() -> None:
    assert validate(bundle(RECORD)) == ()


@pytest.mark.parametrize(
    ("change", "code", "path"),
    [
        (_set("MedicationStatement", "status", "recorded"), "code-invalid", "status"),
        (_drop("MedicationStatement", "status"), "required", "status"),
        (_drop("MedicationStatement", "subject"), "required", "subject"),
        (_set("MedicationStatement", "dosage", {"text": "x"}), "structure", "dosage"),
        (_set("MedicationStatement", "dosage", []), "required", "dosage"),
        (_set("MedicationStatement", "adherence", {}), "structure", "adherence"),
        (_set("Condition", "subject", {"reference": "urn:uuid:0"}), "not-found", "reference"),
        (
            _set("Condition", "verificationStatus", {"coding": [{"code": "confirmed"}]}),
            "code-invalid",
            "verificationStatus",
        ),
        (_set("Condition", "clinicalStatus", {"text": "active"}), "code-invalid", "clinicalStatus"),
        (_set("Condition", "code", {"coding": [{"system": "x"}]}), "required", "code"),
        (_set("DocumentReference", "status", "unknown"), "code-invalid", "status"),
        (_set("DocumentReference", "content", [{}]), "required", "attachment"),
        (_set("DiagnosticReport", "status", "active"), "code-invalid", "status"),
        (_of_lab(lambda o: o.update(status="active")), "code-invalid", "status"),
        (_of_lab(lambda o: o.pop("code")), "required", "code"),
        (_of_lab(lambda o: o.pop("valueQuantity")), "invariant", "resource"),
        (_of_lab(lambda o: o.update(valueString="x")), "structure", "resource"),
        (_of_lab(lambda o: o.update(effectiveDateTime="12.03.2024")), "value", "effectiveDateTime"),
        (
            _of_lab(lambda o: o.update(effectiveDateTime="2024-03-12T06:00")),
            "value",
            "effectiveDateTime",
        ),
        (_of_lab(lambda o: o["valueQuantity"].update(value="5.9")), "value", "value"),
        (_of_lab(lambda o: o["valueQuantity"].update(value=True)), "value", "value"),
        (
            _of_lab(lambda o: o["valueQuantity"].update(comparator="~")),
            "code-invalid",
            "comparator",
        ),
        (_of_lab(lambda o: o["valueQuantity"].update(code="mcg")), "code-invalid", "code"),
        (_of_lab(lambda o: o["valueQuantity"].pop("code")), "code-invalid", "code"),
        (_of_lab(lambda o: o["valueQuantity"].pop("system")), "invariant", "valueQuantity"),
        (_of_lab(lambda o: o["referenceRange"][0]["low"].update(value=None)), "value", "value"),
        (_of_lab(lambda o: o.update(referenceRange=[{}])), "invariant", "referenceRange[0]"),
        (lambda made: made.update(type="batchy"), "code-invalid", "type"),
        (lambda made: made.pop("type"), "required", "type"),
        (lambda made: made.update(timestamp="now"), "value", "timestamp"),
        (lambda made: made["entry"][0].update(fullUrl="urn:uuid:0"), "invariant", "fullUrl"),
        (lambda made: made["entry"].append(made["entry"][0]), "invariant", "fullUrl"),
        (lambda made: made["entry"][0].update(resource={}), "structure", "resource"),
    ],
)
def test_each_fault_is_told_at_its_place(
    change: Callable[[Json], object], code: str, path: str
) -> None:
    made = deepcopy(bundle(RECORD))

    change(made)

    issues = validate(made)
    assert any(issue.code == code and issue.path.endswith(path) for issue in issues), issues


def test_something_else_than_a_bundle_is_told() -> None:
    assert [issue.code for issue in validate({})] == ["structure"]


def test_the_outcome_stands_in_the_bundle() -> None:
    made = bundle(RECORD)
    issue = Issue("required", "Bundle.type", "it must be there")

    right, wrong = with_outcome(made, ()), with_outcome(made, (issue,))

    assert one(right, "OperationOutcome")["issue"][0]["severity"] == "information"
    assert one(wrong, "OperationOutcome")["issue"] == [
        {
            "severity": "error",
            "code": "required",
            "diagnostics": "it must be there",
            "expression": ["Bundle.type"],
        }
    ]
    assert validate(right) == validate(wrong) == ()
    assert len(made["entry"]) == len(right["entry"]) - 1


R4 = {
    "Bundle.type": "document message transaction transaction-response batch batch-response history"
    " searchset collection",
    "Observation.status": "registered preliminary final amended corrected cancelled"
    " entered-in-error unknown",
    "MedicationStatement.status": "active completed entered-in-error intended stopped on-hold"
    " unknown not-taken",
    "Procedure.status": "preparation in-progress not-done on-hold stopped completed"
    " entered-in-error unknown",
    "DiagnosticReport.status": "registered partial preliminary final amended corrected appended"
    " cancelled entered-in-error unknown",
    "DocumentReference.status": "current superseded entered-in-error",
    "FamilyMemberHistory.status": "partial completed entered-in-error health-unknown",
    "Provenance.entity.role": "derivation revision quotation source removal",
    "Quantity.comparator": "< <= >= >",
    "OperationOutcome.issue.severity": "fatal error warning information",
    "OperationOutcome.issue.code": "invalid structure required value invariant security login"
    " unknown expired forbidden suppressed processing not-supported duplicate multiple-matches"
    " not-found deleted too-long code-invalid extension too-costly business-rule conflict"
    " transient lock-error no-store exception timeout incomplete throttled informational",
}
R4_CONCEPTS = {
    "Condition.clinicalStatus": "active recurrence relapse inactive remission resolved",
    "Condition.verificationStatus": "unconfirmed provisional differential confirmed refuted"
    " entered-in-error",
}


def test_the_required_bindings_are_those_of_r4() -> None:
    sets = _read("value_sets")

    assert {path: set(codes) for path, codes in sets["codes"].items()} == {
        path: set(codes.split()) for path, codes in R4.items()
    }
    assert {path: set(bound["codes"]) for path, bound in sets["concepts"].items()} == {
        path: set(codes.split()) for path, codes in R4_CONCEPTS.items()
    }


def test_every_status_that_we_may_emit_is_bound() -> None:
    elements = _read("elements")["resources"]
    sets = _read("value_sets")

    bound = sets["codes"].keys() | sets["concepts"].keys()
    for kind, names in elements.items():
        for name in names:
            if name.lower().endswith("status"):
                assert f"{kind}.{name}" in bound
