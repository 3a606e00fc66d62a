from datetime import date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from medley_training.documents.figures import (
    converted,
    normal_dose,
    printed_date,
    printed_dose,
    printed_time,
)
from medley_training.documents.lexicon import Measure, compact_lexicon
from medley_training.documents.styles import STYLES, site_style

MEASURES = {m.name: m for m in (*compact_lexicon().labs, *compact_lexicon().vitals)}
CONVERTIBLE = [measure for measure in MEASURES.values() if measure.si]

# Customary value, SI value: pairs as conversion tables of clinical chemistry print them.
KNOWN = [
    ("glucose", 90, "5.0"),
    ("glucose", 126, "7.0"),
    ("creatinine", 1.0, "88"),
    ("urea nitrogen", 20, "7.1"),
    ("calcium", 10.0, "2.50"),
    ("magnesium", 2.43, "1.00"),
    ("phosphate", 3.1, "1.00"),
    ("uric acid", 7.0, "416"),
    ("total bilirubin", 1.2, "21"),
    ("total cholesterol", 200, "5.2"),
    ("triglycerides", 150, "1.7"),
    ("hemoglobin", 14.0, "140"),
    ("hemoglobin A1c", 7.0, "53"),
    ("troponin I", 0.04, "40"),
    ("C-reactive protein", 0.5, "5.0"),
    ("sodium", 140, "140"),
    ("arterial pCO2", 40, "5.3"),
    ("temperature", 98.6, "37.0"),
    ("temperature", 104.0, "40.0"),
    ("weight", 220.5, "100.0"),
    ("height", 70, "178"),
]


@pytest.mark.parametrize(("name", "customary", "si"), KNOWN)
def test_units_are_converted_as_tables_of_clinical_chemistry_say(
    name: str, customary: float, si: str
) -> None:
    unit = MEASURES[name].si
    assert unit is not None

    assert str(converted(customary, unit)) == si


@given(measure=st.sampled_from(CONVERTIBLE), share=st.floats(0, 1))
def test_a_converted_value_is_within_half_a_digit(measure: Measure, share: float) -> None:
    amount = measure.min + share * (measure.max - measure.min)
    unit = measure.si
    assert unit is not None

    error = abs(float(converted(amount, unit)) - (amount * unit.scale + unit.offset))

    assert error <= 0.5 * 10.0**-unit.digits + 1e-9


@given(measure=st.sampled_from(CONVERTIBLE), amount=st.decimals(-9999, 9999, places=4))
def test_a_number_keeps_its_digits_and_is_never_minus_nothing(
    measure: Measure, amount: Decimal
) -> None:
    text = str(converted(float(amount), measure.customary))

    assert not text.startswith("-") or text.strip("-0.")
    assert len(text.partition(".")[2]) == measure.customary.digits


@pytest.mark.parametrize(
    ("style", "strength", "printed"),
    [
        ("lakeside", "2.5 mg", "2.5 mg"),
        ("brannock", "125 mcg", "125micrograms"),
        ("brannock", "10 units", "10 units"),
        ("nordhafen", "0.05 mcg/kg/min", "0,05 µg/kg/min"),
        ("ridgeview", "10 units", "10 U"),
        ("ridgeview", "0.05 mcg/kg/min", "0.05MCG/KG/MIN"),
        ("ridgeview", "1 g", "1GM"),
    ],
)
def test_a_dose_is_printed_as_the_site_does(style: str, strength: str, printed: str) -> None:
    assert printed_dose(strength, site_style(style)) == printed


def test_units_of_insulin_never_touch_the_number() -> None:
    for style in STYLES:
        assert printed_dose("10 units", site_style(style)).startswith("10 ")


def test_the_normal_form_of_a_dose_is_ucum() -> None:
    assert normal_dose("0.05 mcg/kg/min") == "0.05 ug/kg/min"
    assert normal_dose("10 units") == "10 [iU]"
    assert normal_dose("2.5 mg") == "2.5 mg"


def test_every_site_has_its_own_order_of_dates() -> None:
    dates = {style: printed_date(date(2024, 3, 4), site_style(style)) for style in STYLES}

    assert dates == {
        "lakeside": "03/04/2024",
        "harbor": "March 4, 2024",
        "brannock": "04/03/2024",
        "nordhafen": "04.03.2024",
        "ridgeview": "2024-03-04",
    }


def test_times_of_day_are_printed_as_the_site_does() -> None:
    noon, night = datetime(2024, 3, 4, 12, 5), datetime(2024, 3, 4, 0, 5)

    assert printed_time(noon, site_style("harbor")) == "12:05 PM"
    assert printed_time(night, site_style("harbor")) == "12:05 AM"
    assert printed_time(night, site_style("ridgeview")) == "0005"
    assert printed_time(night, site_style("brannock")) == "00.05"
