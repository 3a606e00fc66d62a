import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from medley.records import (
    Diagnosis,
    DocumentType,
    Lab,
    Leaf,
    MedicalRecord,
    Medication,
    MedicationStatus,
)
from medley_training.documents.document import documents
from medley_training.documents.extraction import INSTRUCTION, completion, parse_answer

RECORD = MedicalRecord(
    document_type=DocumentType.LAB_PANEL,
    medications=(
        Medication(name=Leaf(value="aspirin", text="ASS"), prn=True, status=MedicationStatus.HELD),
    ),
    labs=(
        Lab(
            name=Leaf(value="troponin I", text="TnI"),
            value=Leaf(value="0.5", text="<0,5"),
            flag=Leaf(value="high", text="+"),
        ),
    ),
    diagnoses=(Diagnosis(name=Leaf.verbatim("gout")),),
)


def test_an_answer_says_what_is_printed_and_nothing_that_is_not() -> None:
    assert completion(RECORD) == (
        '{"medications":[{"name":"ASS","prn":true,"status":"held"}],'
        '"labs":[{"name":"TnI","value":"<0,5","flag":"+"}],'
        '"diagnoses":[{"name":"gout"}]}'
    )


def test_an_answer_can_be_copied_out_of_the_document() -> None:
    concluded = {"prn", "status", "assertion"}
    for document in documents(3, count=20):
        answer = json.loads(completion(document.truth))
        for rows in answer.values():
            for row in rows:
                for name in row.keys() - concluded:
                    assert row[name] in document.text


def test_examples_are_short() -> None:
    short = list(documents(3, count=40))

    assert max(len(INSTRUCTION + document.text) for document in short) < 900
    assert max(len(completion(document.truth)) for document in short) < 600


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"labs":[]}', {"labs": []}),
        ('Here it is:\n```json\n{"labs":[]}\n``` done', {"labs": []}),
        ('{"labs":[', None),
        ("no JSON at all", None),
        ("[1, 2]", None),
        ("", None),
        ('a { b {"labs":[]}', {"labs": []}),
    ],
)
def test_the_json_is_found_in_an_answer(text: str, found: object) -> None:
    assert parse_answer(text) == found


@settings(max_examples=50)
@given(text=st.text('{}[]",:abc1 ', max_size=80))
def test_any_answer_can_be_parsed_or_is_none(text: str) -> None:
    answer = parse_answer(text)

    assert answer is None or isinstance(answer, dict)


def test_an_answer_nested_without_end_is_none() -> None:
    assert parse_answer('{"a":' * 2_000) is None
