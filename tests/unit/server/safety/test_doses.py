"""Doses that nobody takes are told, and those in use are left alone."""

import pytest
from medley.results import FoundRecord

from tests.unit.server.safety.building import codes, medication


@pytest.mark.parametrize(
    ("name", "dose", "code"),
    [
        ("metformin", "500 mg", None),
        ("metformin", "1 g", None),
        ("metformin", "50000 mg", "dose_implausible"),
        ("metformin", "500 g", "dose_implausible"),
        ("levothyroxine", "100 ug", None),
        ("levothyroxine", "100 mg", "dose_implausible"),
        ("digoxin", "250 mg", "dose_implausible"),
        ("warfarin", "0.05 mg", "dose_implausible"),
        ("insulin glargine", "18 [iU]", None),
        ("insulin glargine", "18 mg", "dose_unit_unusual"),
        ("metformin", "500 [iU]", "dose_unit_unusual"),
        ("metformin", "2 {tbl}", None),
        ("norepinephrine", "0.05 ug/kg/min", None),
        ("norepinephrine", "50 ug/kg/min", "dose_implausible"),
        ("norepinephrine", "0.05 mg/kg/min", "dose_implausible"),
        ("norepinephrine", "5 ug/min", None),
        ("unheard of", "50000 mg", None),
        ("metformin", "5-10 mg/foo", "dose_unclear"),
        ("metformin", "as directed", None),
    ],
)
def test_doses_that_nobody_takes_are_told(name: str, dose: str, code: str | None) -> None:
    record = FoundRecord(medications=(medication(name, dose),))

    assert codes(record) == ({code: "medications[0].dose"} if code else {})


def test_brand_names_and_misread_marks_are_held_against_the_table_too() -> None:
    record = FoundRecord(medications=(medication("Synthroid", "1250 ug", text="1250 mcg"),))
    far = FoundRecord(medications=(medication("Synthroid", "12500 ug", text="12500 mcg"),))

    assert codes(record) == {}
    assert codes(far) == {"dose_implausible": "medications[0].dose"}
