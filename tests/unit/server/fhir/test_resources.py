"""Each kind of row becomes the resource that R4 has for it, and says what the page says."""

import json

import pytest
from medley.records import MedicationStatus
from medley.results import (
    Found,
    FoundLab,
    FoundMedication,
    FoundProcedure,
    FoundRecord,
    Match,
)
from medley_server.fhir import REGION, REVIEW, validate
from medley_server.fhir.medications import STATUSES
from medley_training.documents.document import documents

from tests.unit.server.fhir.building import bundle, extraction_of, one, resources
from tests.unit.server.safety.building import concluded, found, found_record, lab, labs, vital

POTASSIUM = lab(
    "potassium", "5.90", "mmol/l", ucum="mmol/L", reference="3.5-5.1", flag="high", at="06:00"
)


def test_a_result_has_value_unit_range_and_interpretation() -> None:
    observation = one(bundle(labs(POTASSIUM)), "Observation")

    assert observation["status"] == "unknown"
    assert observation["category"][0]["coding"][0]["code"] == "laboratory"
    assert observation["code"] == {"text": "potassium"}
    quantity = observation["valueQuantity"]
    assert (quantity["value"], quantity["unit"], quantity["code"]) == (5.9, "mmol/l", "mmol/L")
    assert quantity["system"] == "http://unitsofmeasure.org"
    assert quantity["extension"][0]["valueInteger"] == 2  # 5.90, which JSON writes 5.9
    assert observation["interpretation"][0]["coding"][0]["code"] == "H"
    assert observation["referenceRange"][0]["low"]["value"] == 3.5
    assert observation["referenceRange"][0]["text"] == "3.5-5.1"


def test_a_comparator_is_told() -> None:
    row = lab("troponin I", "0.01", "ng/mL", text="<0.01", comparator="<")

    assert one(bundle(labs(row)), "Observation")["valueQuantity"]["comparator"] == "<"


def test_an_unknown_unit_is_printed_and_has_no_code() -> None:
    row = lab("potassium", "5.9", "blobs").model_copy(update={"unit_ucum": None})

    quantity = one(bundle(labs(row)), "Observation")["valueQuantity"]

    assert quantity == {"value": 5.9, "unit": "blobs"}


def test_a_result_in_words_stays_in_words() -> None:
    row = FoundLab(name=found("nitrite"), value=found("negative"))

    observation = one(bundle(labs(row)), "Observation")

    assert observation["valueString"] == "negative"
    assert "valueQuantity" not in observation


def test_a_flag_without_direction_is_text_alone() -> None:
    row = lab("potassium", "5.9", "mmol/L", flag="*")

    assert one(bundle(labs(row)), "Observation")["interpretation"] == [{"text": "*"}]


@pytest.mark.parametrize(
    ("at", "day", "note"),
    [
        ("06:00", None, "taken at 06:00"),
        ("2024-03-12", "2024-03-12", None),
        ("2024-03-12T06:00", "2024-03-12", "taken at 2024-03-12T06:00"),
        ("03/04/2024", None, "taken at 03/04/2024"),
    ],
)
def test_no_time_of_day_is_given_without_a_time_zone(
    at: str, day: str | None, note: str | None
) -> None:
    observation = one(bundle(labs(lab("sodium", "141", "mmol/L", at=at))), "Observation")

    assert observation.get("effectiveDateTime") == day
    assert observation.get("note") == ([{"text": note}] if note else None)


def test_a_blood_pressure_has_two_components() -> None:
    record = FoundRecord(vitals=(vital("blood pressure", "120/80", "mm[Hg]"),))

    observation = one(bundle(record), "Observation")

    assert observation["category"][0]["coding"][0]["code"] == "vital-signs"
    assert observation["code"]["coding"][0]["code"] == "85354-9"
    said = [
        (part["code"]["coding"][0]["code"], part["valueQuantity"]["value"])
        for part in observation["component"]
    ]
    assert said == [("8480-6", 120), ("8462-4", 80)]
    assert "valueQuantity" not in observation


def test_vital_signs_have_codes_and_laboratory_results_have_none_that_is_not_printed() -> None:
    record = FoundRecord(
        vitals=(vital("heart rate", "80", "/min"),), labs=(lab("sodium", "141", "mmol/L"),)
    )

    codes = [r["code"].get("coding") for r in resources(bundle(record), "Observation")]

    assert codes[0] is None
    assert codes[1][0]["code"] == "8867-4"


def test_a_drug_has_its_dosage() -> None:
    row = FoundMedication(
        name=found("metformin"),
        dose=found("500 mg"),
        route=found("oral", "PO"),
        frequency=found("twice daily", "BID"),
        prn=True,
        status=concluded("held"),
        indication=found("diabetes"),
    )

    statement = one(bundle(FoundRecord(medications=(row,))), "MedicationStatement")

    assert statement["status"] == "on-hold"
    assert statement["medicationCodeableConcept"] == {"text": "metformin"}
    assert statement["reasonCode"] == [{"text": "diabetes"}]
    (dosage,) = statement["dosage"]
    assert dosage["text"] == "500 mg PO BID as needed"
    assert dosage["timing"] == {"code": {"text": "BID"}}
    assert dosage["asNeededBoolean"] is True
    assert dosage["doseAndRate"][0]["doseQuantity"]["code"] == "mg"


@pytest.mark.parametrize(
    ("dose", "element"),
    [
        ("0.05 ug/kg/min", "rateQuantity"),
        ("5-10 mg", "doseRange"),
        ("1 g", "doseQuantity"),
        ("as directed", None),
    ],
)
def test_doses_rates_and_ranges_are_told_apart(dose: str, element: str | None) -> None:
    row = FoundMedication(name=found("x"), dose=found(dose))

    (dosage,) = one(bundle(FoundRecord(medications=(row,))), "MedicationStatement")["dosage"]

    assert dosage["text"] == dose
    assert list(dosage.get("doseAndRate", [{}])[0]) == ([element] if element else [])


def test_every_status_of_a_drug_has_one_of_r4() -> None:
    assert set(STATUSES) == set(MedicationStatus)


def test_a_procedure_with_a_day_is_completed() -> None:
    done = FoundProcedure(
        name=found("knee replacement"), performed_on=found("2024-03-12"), laterality=found("left")
    )
    named = FoundProcedure(name=found("hip replacement"))

    first, second = resources(bundle(FoundRecord(procedures=(done, named))), "Procedure")

    assert (first["status"], first["performedDateTime"]) == ("completed", "2024-03-12")
    assert first["bodySite"] == [{"text": "left"}]
    assert second["status"] == "unknown"


def test_a_lab_panel_has_a_report_of_its_results() -> None:
    made = bundle(labs(POTASSIUM, lab("sodium", "141", "mmol/L")))

    report = one(made, "DiagnosticReport")
    urls = {e["fullUrl"] for e in made["entry"] if e["resource"]["resourceType"] == "Observation"}
    assert {result["reference"] for result in report["result"]} == urls
    assert resources(bundle(labs(POTASSIUM), "icu_flowsheet"), "DiagnosticReport") == []


def test_the_document_is_named_by_its_digest() -> None:
    reference = one(bundle(FoundRecord()), "DocumentReference")

    assert reference["masterIdentifier"]["value"].startswith("ni:///sha-256;q6urq6ur")
    assert reference["content"][0]["attachment"]["contentType"] == "application/pdf"


def test_each_resource_says_where_it_was_read() -> None:
    made = bundle(labs(POTASSIUM))

    provenance = one(made, "Provenance")
    document, observation = one(made, "DocumentReference"), one(made, "Observation")
    assert provenance["target"] == [{"reference": f"urn:uuid:{observation['id']}"}]
    assert "documents:3" in provenance["agent"][0]["who"]["display"]
    entity = provenance["entity"][0]
    assert entity["what"] == {"reference": f"urn:uuid:{document['id']}"}
    (extension,) = entity["extension"]
    assert extension["url"] == REGION
    parts = {part["url"]: part for part in extension["extension"]}
    assert parts["field"]["valueString"] == "name"
    assert parts["fragment"]["valueUri"] == "#page=1&xywh=percent:10.00,20.00,20.00,2.00"
    assert parts["match"]["valueCode"] == "exact"


def test_a_value_that_was_not_found_gives_no_resource_unless_asked_for() -> None:
    row = lab("potassium", "5.9", "mmol/L")
    lost = row.model_copy(update={"value": found("5.9", match=Match.NOT_FOUND)})

    assert resources(bundle(labs(lost)), "Observation") == []
    assert resources(bundle(labs(lost)), "Provenance") == []
    asked_for = one(bundle(labs(lost), with_not_found=True), "Observation")
    assert asked_for["meta"]["tag"] == [REVIEW]


def test_a_detail_that_was_not_found_is_left_out_and_the_rest_is_for_review() -> None:
    row = FoundMedication(
        name=found("metformin"), dose=found("500 mg", match=Match.NOT_FOUND), route=found("oral")
    )

    statement = one(bundle(FoundRecord(medications=(row,))), "MedicationStatement")

    assert statement["dosage"][0]["text"] == "oral"
    assert "doseAndRate" not in statement["dosage"][0]
    assert statement["meta"]["tag"] == [REVIEW]


def test_only_what_is_for_review_is_tagged() -> None:
    name = Found(value="sodium", text="sodium", match=Match.EXACT, review=True)
    row = lab("sodium", "141", "mmol/L")

    tagged = one(bundle(labs(row.model_copy(update={"name": name}))), "Observation")

    assert tagged["meta"]["tag"] == [REVIEW]
    assert "meta" not in one(bundle(labs(row)), "Observation")


def test_the_same_extraction_gives_the_same_bundle() -> None:
    assert bundle(labs(POTASSIUM)) == bundle(labs(POTASSIUM))


def test_an_answer_to_a_callers_own_schema_has_the_document_alone() -> None:
    from medley_server.fhir import bundle_of

    answer = extraction_of(FoundRecord()).model_copy(update={"record": None, "data": {"a": 1}})

    made = bundle_of(answer)

    assert [e["resource"]["resourceType"] for e in made["entry"]] == [
        "Patient",
        "DocumentReference",
    ]
    assert validate(made) == ()


def test_bundles_of_generated_documents_pass_our_check() -> None:
    kinds = set()
    for length in ("short", "full"):
        for document in documents(31, count=5, length=length):
            made = bundle(found_record(document.truth), document.document_type.value)

            assert validate(made) == (), document.name
            assert json.loads(json.dumps(made, allow_nan=False)) == made
            kinds |= {entry["resource"]["resourceType"] for entry in made["entry"]}
    assert kinds == {
        *("Patient", "DocumentReference", "Observation", "MedicationStatement", "Condition"),
        *("FamilyMemberHistory", "Procedure", "DiagnosticReport", "Provenance"),
    }
