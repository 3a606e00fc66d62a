"""Edits become part of the JSON, and what they make untrue goes."""

import json

import pytest
from medley.results import Extraction
from medley.testing import SampleExtraction
from medley_server.page.edited import EditRefused, as_json


def own(data: object, *pointers: str) -> Extraction:
    place = SampleExtraction.of_a_lab_panel().build().record.labs[0].value  # type: ignore[union-attr]
    assert place is not None
    places = {pointer: place.model_dump(mode="json") for pointer in pointers}
    return SampleExtraction().data(data).build().model_copy(update={"places": places})


def test_without_edits_it_is_the_answer_as_it_was() -> None:
    extraction = SampleExtraction.of_a_lab_panel().build()

    assert Extraction.model_validate_json(as_json(extraction, {})) == extraction


def test_an_edited_value_keeps_its_place_and_loses_its_confidence() -> None:
    extraction = SampleExtraction.of_a_lab_panel().build()

    whole = json.loads(as_json(extraction, {"labs[2].value": "89"}))

    value = whole["record"]["labs"][2]["value"]
    assert (value["value"], value["text"], value["page"]) == ("89", "88", 1)
    assert (value["confidence"], value["review"], value["edited"]) == (None, False, True)
    assert whole["edits"] == [{"path": "labs[2].value", "was": "88", "now": "89"}]


def test_what_was_worked_out_from_the_value_goes_with_it() -> None:
    extraction = SampleExtraction().lab("Sodium", "139", unit="mmol/L").build()
    assert extraction.record is not None
    (lab,) = extraction.record.labs
    known = lab.model_copy(update={"value_decimal": "139", "unit_ucum": "mmol/L"})
    record = extraction.record.model_copy(update={"labs": (known,)})
    extraction = extraction.model_copy(
        update={"record": record, "fhir": {"resourceType": "Bundle"}}
    )

    whole = json.loads(as_json(extraction, {"labs[0].value": "140"}))

    assert whole["record"]["labs"][0]["value_decimal"] is None
    assert whole["record"]["labs"][0]["unit_ucum"] == "mmol/L"
    assert whole["fhir"] is None


@pytest.mark.parametrize(
    "path", ["labs[9].value", "labs[0].colour", "labs", "/total", "labs[0].flag"]
)
def test_a_value_that_is_not_there_cannot_be_edited(path: str) -> None:
    with pytest.raises(EditRefused):
        as_json(SampleExtraction.of_a_lab_panel().build(), {path: "1"})


def test_an_edit_of_ones_own_data_keeps_to_its_type() -> None:
    extraction = own({"a/b": [{"total": 12.5, "paid": False}]}, "/a~1b/0/total", "/a~1b/0/paid")

    whole = json.loads(as_json(extraction, {"/a~1b/0/total": "13", "/a~1b/0/paid": "true"}))

    assert whole["data"] == {"a/b": [{"total": 13, "paid": True}]}
    with pytest.raises(EditRefused, match="must be a number"):
        as_json(extraction, {"/a~1b/0/total": "twelve"})
    with pytest.raises(EditRefused, match="true or false"):
        as_json(extraction, {"/a~1b/0/paid": "1"})
