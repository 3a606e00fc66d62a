import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from medley import records
from medley.records import (
    SECTIONS,
    Assertion,
    Diagnosis,
    DocumentType,
    Lab,
    Leaf,
    MedicalRecord,
    Medication,
    MedicationStatus,
    Procedure,
    Row,
    Vital,
)
from pydantic import ValidationError

TEXTS = st.text(min_size=1, max_size=12)
LEAVES = st.builds(Leaf, value=TEXTS, text=TEXTS) | TEXTS.map(Leaf.verbatim)
MAYBE = st.none() | LEAVES
RECORDS = st.builds(
    MedicalRecord,
    document_type=st.sampled_from(DocumentType),
    medications=st.lists(
        st.builds(
            Medication,
            name=LEAVES,
            dose=MAYBE,
            route=MAYBE,
            frequency=MAYBE,
            prn=st.booleans(),
            status=st.sampled_from(MedicationStatus),
            indication=MAYBE,
        ),
        max_size=3,
    ).map(tuple),
    labs=st.lists(
        st.builds(
            Lab,
            name=LEAVES,
            value=LEAVES,
            unit=MAYBE,
            reference_range=MAYBE,
            flag=MAYBE,
            taken_at=MAYBE,
        ),
        max_size=3,
    ).map(tuple),
    vitals=st.lists(
        st.builds(Vital, name=LEAVES, value=LEAVES, unit=MAYBE, taken_at=MAYBE), max_size=2
    ).map(tuple),
    diagnoses=st.lists(
        st.builds(Diagnosis, name=LEAVES, code=MAYBE, assertion=st.sampled_from(Assertion)),
        max_size=2,
    ).map(tuple),
    procedures=st.lists(
        st.builds(Procedure, name=LEAVES, laterality=MAYBE, performed_on=MAYBE), max_size=2
    ).map(tuple),
)


@settings(max_examples=40)
@given(record=RECORDS)
def test_a_record_survives_being_written_and_read(record: MedicalRecord) -> None:
    assert MedicalRecord.from_json(record.to_json()) == record


def test_json_says_only_what_the_document_says() -> None:
    record = MedicalRecord(
        document_type=DocumentType.LAB_PANEL,
        labs=(Lab(name=Leaf.verbatim("Kalium"), value=Leaf(value="5.8", text="5,8")),),
    )

    assert record.to_json() == (
        '{"document_type":"lab_panel",'
        '"labs":[{"name":"Kalium","value":{"value":"5.8","text":"5,8"}}]}'
    )


def test_every_printed_value_has_a_path() -> None:
    record = MedicalRecord(
        document_type=DocumentType.ICU_FLOWSHEET,
        medications=(Medication(name=Leaf.verbatim("heparin"), prn=True),),
        vitals=(
            Vital(name=Leaf.verbatim("HR"), value=Leaf.verbatim("88")),
            Vital(name=Leaf.verbatim("HR"), value=Leaf.verbatim("91")),
        ),
    )

    assert {path: leaf.text for path, leaf in record.leaves()} == {
        "medications[0].name": "heparin",
        "vitals[0].name": "HR",
        "vitals[0].value": "88",
        "vitals[1].name": "HR",
        "vitals[1].value": "91",
    }


def test_every_list_of_rows_is_a_section() -> None:
    assert set(SECTIONS) == set(MedicalRecord.model_fields) - {"document_type"}


@pytest.mark.parametrize(
    ("printed", "comparator"),
    [("<0.5", "<"), ("> 4000", ">"), ("≤5", "<="), (">=120", ">="), ("0.5", None), ("-2.0", None)],
)
def test_the_comparator_is_read_off_the_printed_result(
    printed: str, comparator: str | None
) -> None:
    lab = Lab(name=Leaf.verbatim("x"), value=Leaf(value="1", text=printed))

    assert lab.comparator == comparator


@pytest.mark.parametrize(
    "wrong",
    [
        '{"document_type":"letter"}',
        '{"document_type":"lab_panel","labs":[{"name":"K"}]}',
        '{"document_type":"lab_panel","labs":[{"name":"","value":"1"}]}',
        '{"document_type":"lab_panel","labs":[{"name":"K","value":"1","colour":"red"}]}',
        '{"document_type":"lab_panel","labs":[{"name":"K","value":1}]}',
        '{"document_type":"lab_panel","patient":"Doe"}',
        "[]",
    ],
)
def test_what_is_no_record_is_refused(wrong: str) -> None:
    with pytest.raises(ValidationError):
        MedicalRecord.from_json(wrong)


def test_a_record_never_changes() -> None:
    row: Row = Vital(name=Leaf.verbatim("HR"), value=Leaf.verbatim("88"))

    with pytest.raises(ValidationError, match="frozen"):
        row.name = Leaf.verbatim("BP")


def test_the_types_need_pydantic_only() -> None:
    heavy = {"torch", "numpy", "reportlab", "transformers", "httpx", "typer"}
    program = f"import sys, medley.records; print(*sorted(sys.modules.keys() & {heavy!r}))"

    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert loaded.stdout.strip() == ""


def test_the_public_names_are_sorted_and_there() -> None:
    constants = [name for name in records.__all__ if name.isupper()]
    types = [name for name in records.__all__ if not name.isupper()]

    assert records.__all__ == sorted(constants) + sorted(types)
    assert all(hasattr(records, name) for name in records.__all__)
