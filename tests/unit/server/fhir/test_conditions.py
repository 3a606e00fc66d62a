"""How a diagnosis is meant is what its resource says."""

from typing import Any

import pytest
from medley.records import Assertion
from medley.results import FoundDiagnosis, FoundRecord
from medley_server.fhir import validate
from medley_server.fhir.conditions import STATUSES

from tests.unit.server.fhir.building import bundle, one, resources
from tests.unit.server.safety.building import concluded, found


def _condition(assertion: str) -> dict[str, Any]:
    row = FoundDiagnosis(name=found("gout"), assertion=concluded(assertion))
    made = bundle(FoundRecord(diagnoses=(row,)))
    assert validate(made) == ()
    return one(made, "Condition")


@pytest.mark.parametrize(
    ("assertion", "clinical", "verification"),
    [
        ("present", "active", "confirmed"),
        ("possible", "active", "provisional"),
        ("absent", None, "refuted"),
        ("history", "inactive", "confirmed"),
    ],
)
def test_how_a_diagnosis_is_meant_is_told(
    assertion: str, clinical: str | None, verification: str
) -> None:
    condition = _condition(assertion)

    said = condition.get("clinicalStatus", {}).get("coding", [{}])[0].get("code")
    assert said == clinical
    assert condition["verificationStatus"]["coding"][0]["code"] == verification


def test_a_diagnosis_of_the_family_is_none_of_the_patient() -> None:
    row = FoundDiagnosis(name=found("gout"), assertion=concluded("family"))

    made = bundle(FoundRecord(diagnoses=(row,)))

    assert resources(made, "Condition") == []
    history = one(made, "FamilyMemberHistory")
    assert history["condition"] == [{"code": {"text": "gout"}}]
    assert validate(made) == ()


def test_every_assertion_is_handled() -> None:
    assert set(STATUSES) | {Assertion.FAMILY} == set(Assertion)


@pytest.mark.parametrize(
    ("code", "coding"),
    [
        ("I10", {"system": "http://hl7.org/fhir/sid/icd-10", "code": "I10"}),
        ("E11.9", {"system": "http://hl7.org/fhir/sid/icd-10", "code": "E11.9"}),
        ("S72.009A", {"code": "S72.009A"}),
    ],
)
def test_a_printed_code_is_told_and_its_edition_not_guessed(
    code: str, coding: dict[str, str]
) -> None:
    row = FoundDiagnosis(name=found("x"), printed_code=found(code))

    assert one(bundle(FoundRecord(diagnoses=(row,))), "Condition")["code"]["coding"] == [coding]
