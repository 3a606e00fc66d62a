"""Printed numbers to decimals, and what stays as it is printed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from medley_server.normal_forms import Conventions, Number, number_of, range_of
from medley_server.normal_forms.conventions import DecimalMark


@pytest.mark.parametrize(
    ("text", "decimal"),
    [
        ("5.9", "5.9"),
        ("5,9", "5.9"),
        ("5.90", "5.90"),
        ("0,125", "0.125"),
        (".5", "0.5"),
        ("-2.0", "-2.0"),
        ("+2.0", "2.0"),
        ("1,234.5", "1234.5"),
        ("1.234,5", "1234.5"),
        ("1,234,567", "1234567"),
        ("12 345", "12345"),
        ("12 345,6", "12345.6"),
        ("1'234", "1234"),
        ("1.5 x 10^3", "1500"),
        ("1.5×10³", "1500"),  # noqa: RUF001
        ("1.5E3", "1500"),
        ("2.5 x 10^-2", "0.025"),
        ("5.", "5"),
        ("12345", "12345"),
    ],
)
def test_a_decimal_has_a_point_and_keeps_its_digits(text: str, decimal: str) -> None:
    assert number_of(text) == Number(decimal)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("<0.5", Number("0.5", "<")),
        ("< 0,5", Number("0.5", "<")),
        ("≤ 5", Number("5", "<=")),
        (">=120", Number("120", ">=")),
        ("> 4000", Number("4000", ">")),
        ("less than 5", Number("5", "<")),
    ],
)
def test_a_comparator_is_kept_apart(text: str, number: Number) -> None:
    assert number_of(text) == number


@pytest.mark.parametrize(
    "text",
    ["", "negative", "5.9 mmol/L", "1:40", "5 9", "1+", "12.03.2024", "1,23,4", "--", "5-10"],
)
def test_what_is_no_number_is_none(text: str) -> None:
    assert number_of(text) is None


@pytest.mark.parametrize(
    ("text", "mark", "decimal"),
    [
        ("1,234", ".", "1234"),
        ("1,234", ",", "1.234"),
        ("1,234", None, None),
        ("1.234", ",", "1234"),
        ("1.234", ".", "1.234"),
        ("1.234", None, "1.234"),
        ("0,234", ".", "0.234"),
        ("3,125", ",", "3.125"),
    ],
)
def test_three_digits_after_a_mark_need_the_document_to_tell(
    text: str, mark: DecimalMark | None, decimal: str | None
) -> None:
    number = number_of(text, mark)

    assert number is not None
    assert number.decimal == decimal
    assert (number.note is None) == (decimal is not None)


@given(
    st.decimals(-99999, 99999, places=2, allow_nan=False, allow_infinity=False),
    st.sampled_from([".", ","]),
)
def test_a_number_that_is_printed_is_read_back(number: object, mark: DecimalMark) -> None:
    printed = str(number).replace(".", mark)

    read = number_of(printed, mark)

    assert read is not None
    assert read.decimal == str(number)


@pytest.mark.parametrize(
    ("text", "mark"),
    [
        ("Potassium 5.9 mmol/L, sodium 141, on 12.03.2024", "."),
        ("Kalium 5,9 mmol/l, Natrium 141, am 12.03.2024", ","),
        ("WBC 1,234 and platelets 150,000", None),
        ("5,9 and 5.9", None),
        ("", None),
    ],
)
def test_a_document_settles_its_decimal_mark(text: str, mark: DecimalMark | None) -> None:
    assert Conventions.of(text).decimal_mark == mark


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("3.5-5.1", "3.5-5.1"),
        ("3,5 - 5,1", "3.5-5.1"),
        ("3.5 – 5.1", "3.5-5.1"),  # noqa: RUF001
        ("3.5 to 5.1", "3.5-5.1"),
        ("(3.5-5.1)", "3.5-5.1"),
        ("3.5-5.1 mmol/L", "3.5-5.1"),
        ("-2.0-2.0", "-2.0-2.0"),
        ("-2,0 - 2,0", "-2.0-2.0"),
        ("<200", "<200"),
        ("bis 200", "<200"),
        ("less than 0.04", "<0.04"),
        ("> 60", ">60"),
        ("ref 3.5-5.1", "3.5-5.1"),
    ],
)
def test_reference_ranges_have_one_form(text: str, normal: str) -> None:
    assert str(range_of(text)) == normal


@pytest.mark.parametrize("text", ["negative", "5.9", "", "1,000-2,000", "see note"])
def test_what_is_no_range_or_two_ranges_is_none(text: str) -> None:
    assert range_of(text) is None
