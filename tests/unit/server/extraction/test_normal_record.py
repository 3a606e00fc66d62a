"""Normal forms of a whole record."""

from medley.results import Found, FoundDiagnosis, FoundLab, FoundRecord, FoundVital, Match
from medley_server.extraction.normal_record import with_normal_forms
from medley_server.normal_forms import Conventions


def printed(text: str) -> Found:
    return Found(value=text, text=text, page=1, match=Match.EXACT, confidence=0.9)


def test_a_laboratory_result_gets_a_decimal_a_comparator_and_a_ucum_unit() -> None:
    lab = FoundLab(name=printed("Potassium"), value=printed("<0,5"), unit=printed("mcg/mL"))

    record = with_normal_forms(FoundRecord(labs=(lab,)), Conventions(decimal_mark=","))

    (made,) = record.labs
    assert (made.value_decimal, made.comparator, made.unit_ucum) == ("0.5", "<", "ug/mL")
    assert made.value is not None
    assert (made.value.value, made.value.text) == ("0.5", "<0,5")


def test_what_could_mean_two_things_stays_as_it_is_printed() -> None:
    lab = FoundLab(name=printed("Platelets"), value=printed("1,234"))

    (made,) = with_normal_forms(FoundRecord(labs=(lab,)), Conventions()).labs

    assert made.value is not None
    assert (made.value.value, made.value_decimal) == ("1,234", None)


def test_a_unit_that_is_not_known_has_no_ucum() -> None:
    vital = FoundVital(name=printed("Heart rate"), value=printed("80"), unit=printed("hops"))

    (made,) = with_normal_forms(FoundRecord(vitals=(vital,)), Conventions()).vitals

    assert made.unit_ucum is None
    assert made.unit is not None
    assert made.unit.value == "hops"


def test_a_word_of_a_closed_list_is_left_alone() -> None:
    assertion = Found(value="family", match=Match.CONCLUDED)
    row = FoundDiagnosis(name=printed("Asthma"), assertion=assertion)

    (made,) = with_normal_forms(FoundRecord(diagnoses=(row,)), Conventions()).diagnoses

    assert made.assertion == assertion
