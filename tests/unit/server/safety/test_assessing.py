"""Warnings lead to reviews, values stay, and right documents are left alone."""

from collections import Counter
from decimal import Decimal
from random import Random

import pytest
from medley.results import Found, FoundLab, FoundRecord, Match
from medley_server.normal_forms import Conventions, drug_name, is_ucum, lab_name, vital_name
from medley_server.normal_forms.names import known_names
from medley_server.safety import CHECKS, Chart, assess, marked
from medley_server.safety.plausible import limits_of, table
from medley_training.documents.document import documents

from tests.unit.server.safety.building import found_record, lab, labs

EXPECTED = {"ambiguous"}
"""Of right documents: a day that could be two."""
NAMED_OTHERWISE = "normal_form_differs"
"""The generator's names for urea and blood gases; see the test of normal forms."""


def test_values_of_warnings_are_marked_and_nothing_else_changes() -> None:
    record = labs(lab("potassium", "59", "mmol/L"), lab("sodium", "141", "mmol/L"))

    assessment = assess(record)
    reviewed = marked(record, assessment.review)

    assert assessment.review == {"labs[0].value"}
    assert reviewed.labs[0].value is not None
    assert reviewed.labs[0].value.review
    assert reviewed.labs[1] == record.labs[1]
    assert _without_review(reviewed) == _without_review(record)
    assert record.labs[0].value is not None
    assert not record.labs[0].value.review


def _without_review(record: FoundRecord) -> str:
    return record.model_dump_json().replace('"review":true', '"review":false')


def test_a_warning_about_a_row_marks_its_name() -> None:
    row = lab("potassium", "5.9", "mmol/L")

    assert assess(labs(row, row)).review == {"labs[1].name"}


def test_marks_that_are_there_stay() -> None:
    row = lab("potassium", "5.9", "mmol/L")
    row = row.model_copy(update={"name": row.name.model_copy(update={"review": True})})

    assert marked(labs(row), ()).labs[0].name.review


def test_warnings_name_the_page() -> None:
    (warning,) = assess(labs(lab("potassium", "59", "mmol/L"))).warnings

    assert warning.page == 1


def test_no_check_changes_the_record() -> None:
    record = found_record(next(iter(documents(3, count=1, length="full"))).truth)
    before = record.model_dump_json()

    for check in CHECKS:
        list(check(Chart(record=record, confidence_min=1.0)))

    assert record.model_dump_json() == before


def test_right_documents_have_almost_no_warnings() -> None:
    told: Counter[str] = Counter()
    count = 0
    for length in ("short", "full"):
        for document in documents(21, count=10, length=length):
            record = found_record(document.truth)
            count += sum(1 for _ in Chart(record=record).found())
            assessment = assess(record, conventions=Conventions.of(document.text))
            told.update(warning.code for warning in assessment.warnings)

    assert set(told) <= EXPECTED | {NAMED_OTHERWISE}
    assert told.total() < 0.02 * count


def _losing_a_mark(row: FoundLab) -> FoundLab:
    """The row as OCR gives it that overlooks decimal points."""
    assert row.value is not None
    assert row.value.text is not None
    changed = {
        "value": row.value.value.replace(".", "").lstrip("0") or "0",
        "text": row.value.text.replace(".", "").replace(",", ""),
    }
    value = row.value.model_copy(update=changed)
    return row.model_copy(update={"value": value, "value_decimal": value.value})


def test_most_lost_decimal_marks_of_results_with_ranges_are_told() -> None:
    random, told, count = Random(5), 0, 0
    for document in documents(22, count=20, length="full"):
        record = found_record(document.truth)
        rows = [
            n
            for n, row in enumerate(record.labs)
            if row.reference_range and row.value and "." in row.value.value
        ]
        if not rows:
            continue
        chosen = random.choice(rows)
        changed = list(record.labs)
        changed[chosen] = _losing_a_mark(changed[chosen])
        assessment = assess(labs(*changed), conventions=Conventions.of(document.text))
        count += 1
        told += any(path.startswith(f"labs[{chosen}].") for path in assessment.review)

    assert count > 10
    assert told / count > 0.9


@pytest.mark.parametrize("section", ["labs", "vitals"])
def test_limits_are_of_known_names_in_units_of_ucum_and_name_their_source(section: str) -> None:
    limits = table("limits")

    for name, entry in limits[section].items():
        assert name in known_names(section), name
        assert entry["source"] in limits["sources"], name
        assert [unit for unit in entry["units"] if not is_ucum(unit)] == [], name
        assert all(pair.low < pair.high for pair in limits_of(section, name).values()), name


def test_limits_are_there_for_eighty_measurements() -> None:
    limits = table("limits")

    assert len(limits["labs"]) + len(limits["vitals"]) >= 80


def test_limits_in_different_units_of_one_analyte_are_of_one_size() -> None:
    sodium = limits_of("labs", "creatinine")
    milligrams, micromoles = sodium["mg/dL"], sodium["umol/L"]

    assert micromoles.high / milligrams.high == pytest.approx(Decimal("88.4"), rel=Decimal("0.05"))


def test_doses_are_of_known_drugs_in_units_of_ucum_and_name_their_source() -> None:
    doses = table("doses")

    assert len(doses["drugs"]) >= 100
    for name, entry in doses["drugs"].items():
        assert drug_name(name) == name
        assert entry["source"] in doses["sources"], name
        for low, high, unit in (entry[key] for key in ("single", "rate") if key in entry):
            assert low < high, name
            assert is_ucum(unit), name


def test_every_name_of_the_limits_is_read_as_itself() -> None:
    limits = table("limits")

    assert {lab_name(name) for name in limits["labs"]} == set(limits["labs"])
    assert {vital_name(name) for name in limits["vitals"]} == set(limits["vitals"])


def test_a_concluded_value_without_text_is_no_trouble() -> None:
    record = labs(FoundLab(name=Found(value="potassium", match=Match.CONCLUDED)))

    assert assess(record).warnings == ()
