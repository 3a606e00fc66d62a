"""Each check fires on the error that it is for, and keeps quiet about what is right."""

from collections.abc import Mapping

import pytest
from medley.results import FoundDiagnosis, FoundLab, FoundProcedure, FoundRecord, Match
from medley_server.normal_forms import Conventions

from tests.unit.server.safety.building import codes, found, lab, labs, medication, vital


def codes_of(*rows: FoundLab) -> dict[str, str]:
    return codes(labs(*rows))


POTASSIUM = lab("potassium", "5.9", "mmol/L", reference="3.5-5.1", flag="high")


def test_a_right_result_has_no_warning() -> None:
    assert codes_of(POTASSIUM) == {}


def test_an_empty_record_has_no_warning() -> None:
    assert codes(FoundRecord()) == {}


def test_an_unknown_unit_is_told() -> None:
    row = lab("potassium", "5.9", "mmol/L").model_copy(update={"unit_ucum": None})

    assert codes_of(row) == {"unit_unknown": "labs[0].unit"}


@pytest.mark.parametrize(
    ("row", "is_unusual"),
    [
        (lab("potassium", "5.9", "mg/dL"), True),
        (lab("hemoglobin", "12.0", "mg/dL"), True),
        (lab("hemoglobin", "120", "g/L"), False),
        (lab("unheard of", "5.9", "mg/dL"), False),
        (lab("INR", "1.1", "{INR}"), False),
    ],
)
def test_a_unit_in_which_nobody_reports_is_told(row: FoundLab, is_unusual: bool) -> None:
    assert ("unit_unusual" in codes_of(row)) == is_unusual


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (lab("potassium", "59", "mmol/L"), "factor_of_ten"),
        (lab("potassium", "0.59", "mmol/L"), "factor_of_ten"),
        (lab("arterial pH", "735"), "factor_of_ten"),
        (lab("hemoglobin", "1320", "g/L"), "factor_of_ten"),
        (lab("sodium", "14100", "mmol/L"), "factor_of_ten"),
        (lab("sodium", "7", "mmol/L"), "implausible"),
        (lab("potassium", "5.9", "mmol/L"), None),
        (lab("potassium", "7.9", "mmol/L"), None),
        (lab("unheard of", "59000", "mmol/L"), None),
        (lab("C-reactive protein", "280", "mg/L"), None),
    ],
)
def test_impossible_results_are_told(row: FoundLab, code: str | None) -> None:
    assert codes_of(row) == ({code: "labs[0].value"} if code else {})


def test_without_a_unit_only_what_is_impossible_in_all_units_is_told() -> None:
    assert codes_of(lab("glucose", "480")) == {}
    assert codes_of(lab("glucose", "48000")) == {"factor_of_ten": "labs[0].value"}


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (vital("heart rate", "8", "/min"), "factor_of_ten"),
        (vital("temperature", "368", "Cel"), "factor_of_ten"),
        (vital("temperature", "98.6", "Cel"), "implausible"),
        (vital("blood pressure", "1200/80", "mm[Hg]"), "factor_of_ten"),
        (vital("blood pressure", "80/120", "mm[Hg]"), "implausible"),
        (vital("oxygen saturation", "101", "%"), "implausible"),
        (vital("blood pressure", "120/80", "mm[Hg]"), None),
        (vital("temperature", "36.8", "Cel"), None),
        (vital("heart rate", "164", "/min"), None),
    ],
)
def test_impossible_vital_signs_are_told(row: object, code: str | None) -> None:
    record = FoundRecord.model_validate({"vitals": [row]})

    told = codes(record)

    assert set(told) == ({code} if code else set())


@pytest.mark.parametrize(
    ("value", "text", "code"),
    [
        ("59", "5.9", "normal_form_differs"),
        ("0.5", "<0.6", "normal_form_differs"),
        ("5.9", "5,9", None),
        ("0.5", "<0.5", None),
    ],
)
def test_a_normal_form_that_is_not_what_is_printed_is_told(
    value: str, text: str, code: str | None
) -> None:
    row = lab("unheard of", value, "mmol/L", text=text, comparator="<" if "<" in text else None)

    assert codes_of(row) == ({code: "labs[0].value"} if code else {})


def test_values_that_were_not_normalised_are_not_compared() -> None:
    row = FoundLab(
        name=found("Kalium"), value=found("5,9"), unit=found("mmol/l"), unit_ucum="mmol/L"
    )

    assert codes_of(row) == {}


def test_what_could_be_two_things_is_told() -> None:
    day = FoundRecord(
        procedures=(FoundProcedure(name=found("X"), performed_on=found("03/04/2024")),)
    )

    assert codes(day) == {"ambiguous": "procedures[0].performed_on"}
    assert codes(day, conventions=Conventions(date_order="dmy")) == {}


@pytest.mark.parametrize(
    ("value", "reference", "is_lost"),
    [
        ("59", "3.5-5.1", True),
        ("120", "0.60-1.20", True),
        ("59", "35-51", False),
        ("5.9", "3.5-5.1", False),
        ("59.0", "3.5-5.1", False),
        ("900", "3.5-5.1", False),
    ],
)
def test_a_decimal_mark_that_the_range_has_and_the_value_has_not_is_told(
    value: str, reference: str, is_lost: bool
) -> None:
    assert ("decimal_lost" in codes_of(lab("unheard of", value, reference=reference))) == is_lost


@pytest.mark.parametrize(
    ("value", "is_unclear"),
    [
        ("5O", True),
        ("l2.5", True),
        ("5 9", True),
        ("negative", False),
        ("5.9", False),
        ("1+", False),
    ],
)
def test_letters_and_gaps_among_digits_are_told(value: str, is_unclear: bool) -> None:
    row = FoundLab(name=found("unheard of"), value=found(value))

    assert ("number_unclear" in codes_of(row)) == is_unclear


@pytest.mark.parametrize(
    ("value", "flag", "code"),
    [
        ("5.9", "high", None),
        ("5.9", "critical_high", None),
        ("4.0", None, None),
        ("5.9", "low", "flag_contradicts"),
        ("3.0", "high", "flag_contradicts"),
        ("4.0", "high", "flag_unexpected"),
        ("5.9", None, "flag_missing"),
        ("3.5", None, None),
        ("5.1", None, None),
        ("5.9", "*", None),
    ],
)
def test_flags_agree_with_ranges(value: str, flag: str | None, code: str | None) -> None:
    flagged = lab("sodium", "150", "mmol/L", reference="135-145", flag="high")
    row = lab("potassium", value, "mmol/L", reference="3.5-5.1", flag=flag)

    told = codes_of(flagged, row)
    told.pop("ambiguous", None)

    assert told == ({code: "labs[1].value"} if code else {})


def test_no_flag_is_missed_where_a_document_has_none() -> None:
    assert codes_of(lab("potassium", "5.9", "mmol/L", reference="3.5-5.1")) == {}


@pytest.mark.parametrize(
    ("value", "comparator", "reference", "flag", "code"),
    [
        ("0.01", "<", "<0.04", None, None),
        ("0.01", "<", "<0.04", "high", "flag_unexpected"),
        ("10", "<", "3.5-5.1", "low", None),
        ("4000", ">", "<500", "high", None),
        ("4000", ">", "<500", "low", "flag_contradicts"),
        ("2.0", "<", "3.5-5.1", "high", "flag_contradicts"),
    ],
)
def test_a_comparator_leaves_open_what_cannot_be_told(
    value: str, comparator: str, reference: str, flag: str | None, code: str | None
) -> None:
    row = lab(
        "unheard of", value, text=comparator + value, comparator=comparator,
        reference=reference, flag=flag,
    )  # fmt: skip

    assert set(codes_of(row)) == ({code} if code else set())


def test_the_same_row_twice_is_told() -> None:
    assert codes_of(POTASSIUM, POTASSIUM) == {"duplicate_row": "labs[1]"}


def test_one_thing_with_two_values_at_one_time_is_told() -> None:
    first = lab("potassium", "4.0", "mmol/L", at="06:00")
    other = lab("potassium", "4.5", "mmol/L", at="06:00")

    assert codes_of(first, other) == {"conflicting_rows": "labs[1]"}


def test_words_that_are_two_fields_of_a_row_are_told_of_the_one_that_is_less_sure() -> None:
    row = vital("pulse", "81", "/min", at="81")
    at = found("81").model_copy(update={"confidence": 0.4})

    told = codes(FoundRecord(vitals=(row.model_copy(update={"taken_at": at}),)))

    assert told == {"same_place": "vitals[0].taken_at"}


def test_courses_sides_and_other_doses_of_one_drug_are_no_duplicates() -> None:
    course = [
        lab("potassium", "4.0", "mmol/L", at="06:00"),
        lab("potassium", "4.5", "mmol/L", at="08:00"),
    ]
    record = FoundRecord(
        labs=tuple(course),
        medications=(medication("metformin", "500 mg"), medication("metformin", "1000 mg")),
        procedures=tuple(
            FoundProcedure(name=found("knee replacement"), laterality=found(side))
            for side in ("left", "right")
        ),
        diagnoses=(FoundDiagnosis(name=found("gout")), FoundDiagnosis(name=found("asthma"))),
    )

    assert codes(record) == {}


@pytest.mark.parametrize(
    ("lead", "code"), [("<", "comparator_lost"), ("-", "sign_lost"), ("l", "digit_lost")]
)
def test_what_is_printed_before_a_value_and_was_left_out_is_told(lead: str, code: str) -> None:
    leads: Mapping[str, str] = {"labs[0].value": lead}

    assert codes(labs(POTASSIUM), leads=leads) == {code: "labs[0].value"}
    assert codes(labs(POTASSIUM), leads={"labs[9].value": lead}) == {}


def test_a_comparator_that_only_the_text_has_is_told() -> None:
    lost = lab("unheard of", "0.5", text="<0.5")
    kept = lab("unheard of", "0.5", text="<0.5", comparator="<")

    assert codes_of(lost) == {"comparator_lost": "labs[0].value"}
    assert codes_of(kept) == {}


@pytest.mark.parametrize(
    ("match", "code"),
    [
        (Match.NOT_FOUND, "not_found"),
        (Match.FUZZY, "fuzzy_match"),
        (Match.EXACT, None),
        (Match.NORMALIZED, None),
        (Match.CONCLUDED, None),
    ],
)
def test_how_a_value_was_found_is_told(match: Match, code: str | None) -> None:
    record = FoundRecord(diagnoses=(FoundDiagnosis(name=found("gout", match=match)),))

    assert codes(record) == ({code: "diagnoses[0].name"} if code else {})


@pytest.mark.parametrize(("least", "is_told"), [(0.95, True), (0.9, False), (0.0, False)])
def test_less_sure_than_asked_for_is_told(least: float, is_told: bool) -> None:
    assert ("low_confidence" in codes(labs(POTASSIUM), confidence_min=least)) == is_told
