import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from medley_server.traffic.agreement import OTHER, Agreement, compare, schema_fields

NAMED = frozenset({"medications", "dose", "name"})


def record(*doses: str) -> str:
    rows = [{"name": f"drug {n}", "dose": dose} for n, dose in enumerate(doses)]
    return json.dumps({"medications": rows})


def test_records_are_compared_leaf_by_leaf() -> None:
    found = compare(record("5", "10"), record("5", "20"), named=NAMED)

    assert (found.is_exact, found.score) == (False, 0.75)
    assert sorted(found.fields) == [
        ("medications.dose", False),
        ("medications.dose", True),
        ("medications.name", True),
        ("medications.name", True),
    ]


def test_a_row_that_only_one_of_them_has_is_a_disagreement() -> None:
    found = compare(record("5"), record("5", "5"), named=NAMED)

    assert (found.is_exact, found.score) == (False, 0.5)


def test_blanks_and_the_order_of_keys_do_not_matter() -> None:
    assert compare('{"a": 1, "b": [2]}', '{"b":[2],"a":1}').is_exact


def test_a_record_and_a_text_have_nothing_in_common() -> None:
    assert compare('{"a": 1}', "a is 1") == Agreement(False, 0.0)


@pytest.mark.parametrize(
    ("left", "right", "is_exact", "score"),
    [
        ("the same words", "the same words", True, 1.0),
        ("", "", True, 1.0),
        ("one two", "three four", False, 0.0),
        ("one two", "one three", False, 0.5),
        ("42", "42", True, 1.0),
        ("a b", "b a", False, 1.0),
    ],
)
def test_texts_are_compared_as_they_are_and_by_their_words(
    left: str, right: str, is_exact: bool, score: float
) -> None:
    assert compare(left, right) == Agreement(is_exact, score)


def test_fields_that_the_schema_does_not_name_are_not_named() -> None:
    found = compare('{"Mrs Miller": 1, "dose": 2}', '{"Mrs Miller": 1, "dose": 3}', named=NAMED)

    assert sorted(found.fields) == [("dose", False), (OTHER, True)]


def test_names_come_from_the_schema_and_are_plain_words() -> None:
    schema = {
        "type": "object",
        "properties": {
            "medications": {"type": "array", "items": {"properties": {"dose": {}}}},
            "Mrs Miller, born 1931": {},
        },
    }
    asked = {"response_format": {"type": "json_schema", "json_schema": {"schema": schema}}}

    assert schema_fields(asked) == {"medications", "dose"}
    assert schema_fields({"text": {"format": {"schema": schema}}}) == {"medications", "dose"}
    assert schema_fields({"messages": [{"properties": {"dose": {}}}]}) == frozenset()


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)


@given(_JSON, _JSON)
def test_agreement_is_a_share_the_same_from_both_sides_and_whole_for_the_same(
    left: object, right: object
) -> None:
    texts = json.dumps(left), json.dumps(right)

    found = compare(*texts)

    assert 0 <= found.score <= 1
    assert compare(*reversed(texts)).score == found.score
    assert compare(texts[0], texts[0]) == Agreement(True, 1.0, compare(texts[0], texts[0]).fields)


def test_a_nest_that_no_reader_follows_is_only_text() -> None:
    deep = "[" * 100_000 + "]" * 100_000

    assert compare(deep, deep).is_exact
