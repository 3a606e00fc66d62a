"""Where a value stands in an answer, and how likely its tokens were."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from medley_server.extraction.question import Completion, Token
from medley_server.extraction.written_json import read_json

VALUES = st.recursive(
    st.one_of(
        st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
        st.integers(),
        st.booleans(),
        st.none(),
        st.floats(allow_nan=False, allow_infinity=False),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=5), inner),
    ),
    max_leaves=12,
)


def answered(text: str, *pieces: tuple[str, float]) -> Completion:
    tokens = tuple(Token(piece, math.log(chance)) for piece, chance in pieces)
    return Completion(text=text, is_whole=True, tokens=tokens)


def at(pointer: str, value: Any) -> Any:
    for step in pointer.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        value = value[int(name)] if isinstance(value, list) else value[name]
    return value


@given(VALUES, st.booleans())
def test_it_is_read_as_json_reads_it_and_every_span_holds_its_value(
    value: Any, is_indented: bool
) -> None:
    text = json.dumps(value, ensure_ascii=False, indent=2 if is_indented else None)

    written = read_json(answered(text))

    assert written.value == json.loads(text)
    for pointer, (start, end) in written.spans.items():
        said = text[start:end]
        found = at(pointer, value)
        assert (json.loads('"' + said) if isinstance(found, str) else json.loads(said)) == found


def refuse(constant: str) -> None:
    raise ValueError(constant)


@given(st.one_of(st.text(max_size=30), st.text('{}[]",:1a.-e\\ ', max_size=12)))
def test_what_is_no_json_is_a_value_error(text: str) -> None:
    try:
        expected = json.loads(text, strict=False, parse_constant=refuse)
    except ValueError:
        with pytest.raises(ValueError):  # noqa: PT011
            read_json(answered(text))
    else:
        assert read_json(answered(text)).value == expected


def test_deep_nesting_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="deep"):
        read_json(answered("[" * 5000))


def test_a_value_has_the_product_of_its_tokens_with_the_quote_that_ends_it() -> None:
    written = read_json(
        answered(
            '{"value":"5.9","n":12}',
            ('{"', 0.1), ("value", 0.1), ('":"', 0.1),
            ("5", 0.9), (".", 0.8), ("9", 0.7), ('","', 0.5),
            ("n", 0.1), ('":', 0.1), ("12", 0.6), ("}", 0.1),
        )
    )  # fmt: skip

    assert written.probabilities["/value"] == pytest.approx(0.9 * 0.8 * 0.7 * 0.5)
    assert written.probabilities["/n"] == pytest.approx(0.6)


def test_tokens_that_are_parts_of_a_letter_count_for_the_value_they_are_in() -> None:
    written = read_json(
        answered(
            '{"a":"µg","b":"x"}',
            ('{"a":"', 1.0), ("\ufffd", 0.5), ("\ufffd", 0.5), ("g", 0.9), ('","b":"', 1.0),
            ("x", 0.25), ('"}', 1.0), ("<end>", 0.1),
        )
    )  # fmt: skip

    assert written.probabilities["/a"] == pytest.approx(0.5 * 0.5 * 0.9)
    assert written.probabilities["/b"] == pytest.approx(0.25)


def test_an_escaped_half_of_a_letter_can_still_be_sent() -> None:
    written = read_json(answered('{"a":"\\ud800"}'))

    assert json.dumps(written.value, ensure_ascii=False).encode() == b'{"a": "?"}'
