"""Printed units to UCUM, and amounts of drugs."""

import pytest
from medley_server.normal_forms import dose_of, is_ucum, ucum_of
from medley_server.normal_forms.spelling import table

TABLE = table("units")


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("K/uL", "10*3/uL"),
        ("K/µL", "10*3/uL"),
        ("x10^3/uL", "10*3/uL"),
        ("10³/µL", "10*3/uL"),
        ("x 10⁹/L", "10*9/L"),
        ("Gpt/l", "10*9/L"),
        ("M/uL", "10*6/uL"),
        ("mcg", "ug"),
        ("µg/L", "ug/L"),
        ("mEq/L", "meq/L"),
        ("mval/l", "meq/L"),
        ("mm Hg", "mm[Hg]"),
        ("mmHg", "mm[Hg]"),
        ("cmH2O", "cm[H2O]"),
        ("IU/L", "[IU]/L"),
        ("mIU/L", "m[IU]/L"),
        ("U/L", "U/L"),
        ("MG/DL", "mg/dL"),
        ("mmol/l", "mmol/L"),
        ("MCG/KG/MIN", "ug/kg/min"),
        ("mg per day", "mg/d"),
        ("%", "%"),
        ("mm/hr", "mm/h"),
        ("mL/min/1.73m²", "mL/min/{1.73_m2}"),
        ("kg/m²", "kg/m2"),
        ("10*3/uL", "10*3/uL"),
        ("mm[Hg]", "mm[Hg]"),
        ("sec", "s"),
    ],
)
def test_clinical_spellings_are_known(text: str, unit: str) -> None:
    assert ucum_of(text) == unit


@pytest.mark.parametrize("text", ["", "K", "xyz", "mg/foo", "cd", "K/{x}", "see note", "G/L"])
def test_what_is_not_known_is_no_unit(text: str) -> None:
    assert ucum_of(text) is None


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("°C", "Cel"),
        ("C", "Cel"),
        ("°F", "[degF]"),
        ("bpm", "/min"),
        ("/MIN", "/min"),
        ("lbs", "[lb_av]"),
    ],
)
def test_bedside_units_are_known(text: str, unit: str) -> None:
    assert ucum_of(text, section="vitals") == unit


def test_a_letter_is_a_temperature_only_at_the_bedside() -> None:
    assert ucum_of("C") is None


def test_what_is_measured_tells_international_units_and_cells() -> None:
    assert ucum_of("mU/l") == "mU/L"
    assert ucum_of("mU/l", is_international=True) == "m[IU]/L"
    assert ucum_of("G/L", counts_cells=True) == "10*9/L"
    assert ucum_of("G/L", counts_cells=False) == "g/L"


@pytest.mark.parametrize("section", sorted(TABLE))
def test_every_unit_of_the_tables_is_ucum(section: str) -> None:
    assert [unit for unit in TABLE[section] if not is_ucum(unit)] == []


def test_no_spelling_stands_for_two_units() -> None:
    for section in TABLE.values():
        spelled = [spelling for spellings in section.values() for spelling in spellings]

        assert sorted(spelled) == sorted(set(spelled))


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("120mg", "120 mg"),
        ("2,5 mg", "2.5 mg"),
        ("0.05 mcg/kg/min", "0.05 ug/kg/min"),
        ("10 units", "10 [iU]"),
        ("10U", "10 [iU]"),
        ("1.5 U/HR", "1.5 [iU]/h"),
        ("10 ml", "10 mL"),
        ("2 tablets", "2 {tbl}"),
        ("5-10 mg", "5-10 mg"),
        ("1 000 mg", "1000 mg"),
        ("20 mEq", "20 meq"),
    ],
)
def test_amounts_of_drugs(text: str, normal: str) -> None:
    assert str(dose_of(text)) == normal


@pytest.mark.parametrize("text", ["", "mg", "120", "one tablet", "120 mg (2 tabs)", "120 blobs"])
def test_what_is_no_amount_is_none(text: str) -> None:
    assert dose_of(text) is None


def test_an_amount_of_two_readings_has_no_number() -> None:
    dose = dose_of("1,500 mg")

    assert dose is not None
    assert dose.decimal is None
    assert dose.note is not None
    assert str(dose_of("1,500 mg", ".")) == "1500 mg"
