from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from medley.records import (
    Assertion,
    Diagnosis,
    DocumentType,
    Lab,
    Laterality,
    Leaf,
    MedicalRecord,
    Medication,
    Procedure,
    Vital,
)
from medley_training.documents.document import documents
from medley_training.documents.extraction import answer_of
from medley_training.documents.scoring import FieldCounts, Overlap, compare

TRUTH = MedicalRecord(
    document_type=DocumentType.CARDIOLOGY_CONSULTATION,
    medications=(Medication(name=Leaf.verbatim("Digoxin"), dose=Leaf.verbatim("0.25 mg")),),
    labs=(
        Lab(name=Leaf.verbatim("BE"), value=Leaf.verbatim("-2.0"), unit=Leaf.verbatim("mmol/L")),
        Lab(name=Leaf.verbatim("TnI"), value=Leaf(value="0.5", text="<0.5")),
    ),
    vitals=(Vital(name=Leaf.verbatim("BP"), value=Leaf.verbatim("128/76")),),
    diagnoses=(Diagnosis(name=Leaf.verbatim("stroke"), assertion=Assertion.ABSENT),),
    procedures=(
        Procedure(
            name=Leaf.verbatim("CEA"),
            laterality=Leaf(value=Laterality.LEFT.value, text="left"),
        ),
    ),
)
NUM_FIELDS = 13
NUM_LEFT_EMPTY = 14


def _changed(section: str, row: int, **fields: object) -> FieldCounts:
    answer: dict[str, Any] = answer_of(TRUTH)
    answer[section][row] |= fields
    return compare(TRUTH, answer)


def test_the_right_answer_is_exact() -> None:
    counts = compare(TRUTH, answer_of(TRUTH))

    assert counts == FieldCounts(
        true_positive=NUM_FIELDS,
        false_positive=0,
        false_negative=0,
        exact=True,
        valid_json=True,
        critical=0,
        terms=Overlap(6, 6, 6),
        values=Overlap(NUM_FIELDS - 6, NUM_FIELDS - 6, NUM_FIELDS - 6),
        rows=Overlap(6, 6, 6),
        false_fills=0,
        left_empty=NUM_LEFT_EMPTY,
    )


def test_no_json_misses_everything() -> None:
    counts = compare(TRUTH, None)

    assert (counts.true_positive, counts.false_negative) == (0, NUM_FIELDS)
    assert not counts.valid_json
    assert not counts.exact


def test_case_and_white_space_do_not_count() -> None:
    assert _changed("medications", 0, name="DIGOXIN", dose=" 0.25  mg ").exact


@pytest.mark.parametrize(
    ("section", "row", "fields"),
    [
        ("medications", 0, {"dose": "2.5 mg"}),
        ("medications", 0, {"dose": "25 mg"}),
        ("medications", 0, {"dose": "0.25 mcg"}),
        ("medications", 0, {"name": "Digitoxin"}),
        ("labs", 0, {"value": "2.0"}),
        ("labs", 0, {"unit": "mg/dL"}),
        ("labs", 1, {"value": "0.5"}),
        ("labs", 1, {"value": ">0.5"}),
        ("vitals", 0, {"value": "12.8/76"}),
        ("diagnoses", 0, {"assertion": "present"}),
        ("diagnoses", 0, {"assertion": None}),
        ("procedures", 0, {"laterality": "right"}),
    ],
)
def test_an_error_that_could_do_harm_is_critical(
    section: str, row: int, fields: dict[str, object]
) -> None:
    assert _changed(section, row, **fields).critical == 1


@pytest.mark.parametrize(
    ("section", "row", "fields"),
    [
        ("medications", 0, {"dose": "0.50 mg"}),
        ("medications", 0, {"dose": "0.25mg"}),
        ("medications", 0, {"dose": None}),
        ("labs", 0, {"value": "-2.1"}),
        ("labs", 0, {"flag": "H"}),
        ("labs", 0, {"name": "base excess"}),
        ("vitals", 0, {"value": "128/74"}),
        ("procedures", 0, {"laterality": None}),
    ],
)
def test_an_error_that_is_only_wrong_is_not_critical(
    section: str, row: int, fields: dict[str, object]
) -> None:
    counts = _changed(section, row, **fields)

    assert not counts.exact
    assert counts.critical == 0


def test_a_wrong_value_is_missing_once_and_invented_once() -> None:
    counts = _changed("labs", 0, value="-2.1")

    assert (counts.true_positive, counts.false_positive, counts.false_negative) == (
        NUM_FIELDS - 1,
        1,
        1,
    )


def test_a_value_that_is_not_on_the_page_counts_as_invented() -> None:
    counts = _changed("labs", 1, unit="ng/mL", reference_range="<0.04")

    assert (counts.false_positive, counts.false_negative) == (2, 0)


def test_a_row_of_another_name_is_a_wrong_term_and_its_values_are_missed() -> None:
    counts = _changed("labs", 0, name="base excess")

    assert counts.terms == Overlap(5, 6, 6)
    assert counts.rows == Overlap(5, 6, 6)
    assert counts.values == Overlap(NUM_FIELDS - 8, NUM_FIELDS - 6, NUM_FIELDS - 8)


def test_a_wrong_value_leaves_its_term_right_and_its_row_not() -> None:
    counts = _changed("labs", 0, value="-2.1")

    assert counts.terms == Overlap(6, 6, 6)
    assert counts.rows == Overlap(5, 6, 6)
    assert counts.values == Overlap(NUM_FIELDS - 7, NUM_FIELDS - 6, NUM_FIELDS - 6)


def test_without_any_right_row_the_values_count_as_missed() -> None:
    counts = compare(TRUTH, {"labs": [{"name": "sodium", "value": "140"}]})

    assert counts.values == Overlap(0, NUM_FIELDS - 6, 0)


@pytest.mark.parametrize(
    ("section", "row", "fields", "expected"),
    [
        ("labs", 1, {"unit": "ng/mL", "reference_range": "<0.04"}, 2),
        ("labs", 0, {"unit": "mg/dL"}, 0),  # wrong, but there is one
        ("medications", 0, {"prn": True}, 0),  # concluded, not copied
        ("medications", 0, {"route": None}, 0),
        ("procedures", 0, {"performed_on": "2026-01-01"}, 1),
    ],
)
def test_a_value_where_the_document_has_none_is_a_false_fill(
    section: str, row: int, fields: dict[str, object], expected: int
) -> None:
    counts = _changed(section, row, **fields)

    assert (counts.false_fills, counts.left_empty) == (expected, NUM_LEFT_EMPTY)


def test_a_list_that_the_document_does_not_have_is_a_false_fill() -> None:
    truth = MedicalRecord(document_type=DocumentType.LAB_PANEL)
    counts = compare(truth, {"vitals": [{"name": "HR"}, {"name": "BP"}], "labs": []})

    assert (counts.false_fills, counts.left_empty) == (1, 5)


def test_rows_of_one_name_are_aligned_by_what_they_say() -> None:
    pulses = [("88", "06:00"), ("91", "08:00"), ("97", "10:00")]
    truth = MedicalRecord(
        document_type=DocumentType.ICU_FLOWSHEET,
        vitals=tuple(
            Vital(
                name=Leaf.verbatim("HR"),
                value=Leaf.verbatim(value),
                taken_at=Leaf.verbatim(time),
            )
            for value, time in pulses
        ),
    )
    answer = answer_of(truth)
    del answer["vitals"][0]

    counts = compare(truth, answer)

    assert (counts.true_positive, counts.false_positive, counts.false_negative) == (6, 0, 3)


def test_the_order_of_rows_does_not_count() -> None:
    for document in documents(2, count=3, length="full"):
        answer = {section: rows[::-1] for section, rows in answer_of(document.truth).items()}

        assert compare(document.truth, answer).exact


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["medications", "labs", "name", "value", "dose", "diagnoses"])
            | st.text(max_size=3),
            inner,
            max_size=3,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=50)
@given(answer=st.dictionaries(st.sampled_from(["medications", "labs", "vitals"]), JSON))
def test_whatever_a_model_answers_is_counted(answer: dict[str, Any]) -> None:
    counts = compare(TRUTH, answer)

    assert counts.true_positive + counts.false_negative == NUM_FIELDS
    assert counts.false_positive >= 0
    assert not counts.exact
