import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from medley_registry.canonical import Json, canonical_json

# Between 2^53 and 10^21 the text is that of an integer which only rounds to the double.
FLOATS = st.floats(allow_nan=False, allow_infinity=False).filter(
    lambda number: not 2**53 < abs(number) < 1e21
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**53), 2**53),
    FLOATS,
    st.text(),
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20
)


@given(VALUES)
def test_canonical_json_means_the_same_value(value: Json) -> None:
    assert json.loads(canonical_json(value)) == value


@given(VALUES)
def test_canonical_json_does_not_depend_on_how_the_value_was_written(value: Json) -> None:
    text = canonical_json(value)

    assert canonical_json(json.loads(text)) == text
    assert canonical_json(json.loads(json.dumps(value, indent=1))) == text


@pytest.mark.parametrize(
    ("number", "text"),
    # From the table in RFC 8785, appendix B.
    [
        (0.0, "0"),
        (-0.0, "0"),
        (5e-324, "5e-324"),
        (-1.7976931348623157e308, "-1.7976931348623157e+308"),
        (9007199254740992, "9007199254740992"),
        (295147905179352830000.0, "295147905179352830000"),
        (9.999999999999997e22, "9.999999999999997e+22"),
        (1e23, "1e+23"),
        (999999999999999700000.0, "999999999999999700000"),
        (1e21, "1e+21"),
        (333333333.3333332, "333333333.3333332"),
        (-0.0000033333333333333333, "-0.0000033333333333333333"),
        (1e-7, "1e-7"),
        (1e30, "1e+30"),
        (100000.0, "100000"),
    ],
)
def test_numbers_are_written_as_ecmascript_does(number: float, text: str) -> None:
    assert canonical_json(number).decode() == text


def test_keys_are_sorted_by_utf_16_code_units() -> None:
    # The order of RFC 8785, section 3.2.3: a surrogate pair sorts before U+FB33.
    value: Json = {"\ufb33": 1, "\U0001f600": 2, "1": 3, "\u20ac": 4, "\r": 5, "\u00f6": 6}

    assert list(json.loads(canonical_json(value))) == [
        "\r", "1", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"
    ]  # fmt: skip


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), 2**53 + 1, 10**400, "\ud800"],
    ids=["nan", "infinity", "odd integer", "huge integer", "surrogate"],
)
def test_what_a_double_or_utf_8_cannot_hold_is_refused(value: Json) -> None:
    with pytest.raises(ValueError, match=r"double|surrogates"):
        canonical_json(value)
