"""Flags, sides, statuses, assertions, routes, frequencies and names."""

import pytest
from medley.records import Assertion, Flag, Laterality, MedicationStatus
from medley_server.normal_forms import (
    assertion_of,
    drug_name,
    flag_of,
    frequency_of,
    lab_name,
    laterality_of,
    medication_status_of,
    normal_form,
    route_of,
    vital_name,
)
from medley_server.normal_forms.spelling import table


@pytest.mark.parametrize(
    ("text", "flag"),
    [
        ("H", Flag.HIGH),
        ("(L)", Flag.LOW),
        ("**H", Flag.CRITICAL_HIGH),
        ("LL", Flag.CRITICAL_LOW),
        ("↑", Flag.HIGH),
        ("↓↓", Flag.CRITICAL_LOW),
        ("critically high", Flag.CRITICAL_HIGH),
        ("* H", Flag.HIGH),
        ("--", Flag.CRITICAL_LOW),
    ],
)
def test_flags(text: str, flag: Flag) -> None:
    assert flag_of(text).value == flag.value


def test_a_star_says_abnormal_and_not_in_which_direction() -> None:
    flag = flag_of("*")

    assert (flag.value, flag.is_known) == ("*", False)
    assert flag.note is not None
    assert flag_of("seen").note is None


@pytest.mark.parametrize(
    ("text", "side"),
    [
        ("LT", Laterality.LEFT),
        ("rechts", Laterality.RIGHT),
        ("bds.", Laterality.BILATERAL),
        ("up", None),
    ],
)
def test_sides(text: str, side: Laterality | None) -> None:
    assert laterality_of(text) == side


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("** DC'D **", MedicationStatus.DISCONTINUED),
        ("on hold for now", MedicationStatus.HELD),
        ("neu", MedicationStatus.NEW),
        ("Continue", MedicationStatus.ACTIVE),
        ("blue", None),
    ],
)
def test_statuses(text: str, status: MedicationStatus | None) -> None:
    assert medication_status_of(text) == status


@pytest.mark.parametrize(
    ("text", "assertion"),
    [
        ("No evidence of", Assertion.ABSENT),
        ("R/O", Assertion.POSSIBLE),
        ("Ruled out", Assertion.ABSENT),
        ("V.a.", Assertion.POSSIBLE),
        ("Family history (mother)", Assertion.FAMILY),
        ("FHx:", Assertion.FAMILY),
        ("Z.n.", Assertion.HISTORY),
        ("blue", None),
    ],
)
def test_assertions(text: str, assertion: Assertion | None) -> None:
    assert assertion_of(text) == assertion


@pytest.mark.parametrize(
    ("text", "route"),
    [("PO", "oral"), ("s/c", "subcutaneous"), ("i.v.", "intravenous"), ("by patch", "transdermal")],
)
def test_routes(text: str, route: str) -> None:
    assert route_of(text).value == route


def test_a_route_of_two_meanings_stays_printed() -> None:
    route = route_of("TOP")

    assert (route.value, route.is_known) == ("TOP", False)
    assert route.note is not None


@pytest.mark.parametrize(
    ("text", "frequency"),
    [
        ("BID", "twice daily"),
        ("b.i.d.", "twice daily"),
        ("QDS", "four times daily"),
        ("q6h", "every 6 hours"),
        ("Q 6 hrs", "every 6 hours"),
        ("6 hourly", "every 6 hours"),
        ("alle 8 h", "every 8 hours"),
        ("every 3 days", "every 72 hours"),
        ("every other day", "every 48 hours"),
        ("every 5 minutes", "every 5 minutes"),
        ("BID PRN", "twice daily"),
        ("q4h as needed", "every 4 hours"),
        ("0-0-1 b. Bed.", "at night"),
    ],
)
def test_frequencies(text: str, frequency: str) -> None:
    assert frequency_of(text).value == frequency


@pytest.mark.parametrize("text", ["q0h", "as the cardiologist says", "3-2-1"])
def test_other_frequencies_stay_printed(text: str) -> None:
    frequency = frequency_of(text)

    assert (frequency.value, frequency.is_known) == (text, False)


def test_names_are_known_by_their_short_forms() -> None:
    assert lab_name("K") == "potassium"
    assert lab_name("Hämoglobin") == "hemoglobin"
    assert drug_name("Lasix") == "furosemide"
    assert lab_name("unheard of") is None


def test_rr_is_a_pressure_or_a_breathing_rate() -> None:
    assert vital_name("RR", "120/80") == "blood pressure"
    assert vital_name("RR", "18") == "respiratory rate"
    assert vital_name("RR") is None


@pytest.mark.parametrize("name", ["words", "frequencies", "names"])
def test_no_spelling_stands_twice_in_a_list(name: str) -> None:
    for section, entries in table(name).items():
        if section == "ambiguous_routes":
            continue
        spelled = [spelling for spellings in entries.values() for spelling in spellings]
        spelled += [name for name in entries if name not in spelled]

        assert sorted(spelled) == sorted(set(spelled))


@pytest.mark.parametrize(
    ("section", "field", "text", "value"),
    [
        ("labs", "value", "<0,5", "0.5"),
        ("vitals", "value", "120 / 80", "120/80"),
        ("labs", "unit", "K/uL", "10*3/uL"),
        ("diagnoses", "printed_code", "(i10)", "I10"),
        ("diagnoses", "name", "Hypertension", "Hypertension"),
        ("labs", "value", "negative", "negative"),
        ("medications", "indication", "Pain", "Pain"),
    ],
)
def test_any_field_has_a_normal_form_or_stays_printed(
    section: str, field: str, text: str, value: str
) -> None:
    assert normal_form(section, field, text).value == value


def test_the_name_of_a_row_tells_what_its_unit_means() -> None:
    assert normal_form("labs", "unit", "mU/l", name="TSH").value == "m[IU]/L"
    assert normal_form("labs", "unit", "mU/l", name="GOT").value == "mU/L"
    assert normal_form("labs", "unit", "G/L", name="Leukozyten").value == "10*9/L"
