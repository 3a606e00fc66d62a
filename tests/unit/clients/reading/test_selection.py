"""Pages are asked for like 1-3,5."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from medley.reading import InvalidPages, parse_pages


@pytest.mark.parametrize(
    ("asked", "numbers"),
    [
        (None, (1, 2, 3, 4, 5)),
        ("1", (1,)),
        ("1-3,5", (1, 2, 3, 5)),
        ("5,1-2,1", (1, 2, 5)),
        (" 2 , 4- ", (2, 4, 5)),
    ],
)
def test_pages_come_once_and_in_order(asked: str | None, numbers: tuple[int, ...]) -> None:
    assert parse_pages(asked, 5) == numbers


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("", "like 1-3,5"),
        ("a", "'a'"),
        ("1,,2", "''"),
        ("-3", "'-3'"),
        ("1-2-3", "'1-2-3'"),
        ("٣", "like 1-3,5"),
        ("0", "from 1"),
        ("6", "no page 6: the document has 5"),
        ("2-9", "no page 9"),
        ("3-2", "backwards"),
        ("1," * 600, "longer than"),
        ("9" * 50, "like 1-3,5"),
    ],
)
def test_what_is_wrong_is_named(asked: str, said: str) -> None:
    with pytest.raises(InvalidPages, match=said):
        parse_pages(asked, 5)


@given(st.text(alphabet="0123456789-, ", max_size=20), st.integers(1, 30))
def test_any_text_selects_pages_that_are_there_or_is_refused(asked: str, count: int) -> None:
    try:
        numbers = parse_pages(asked, count)
    except InvalidPages:
        return
    assert numbers == tuple(sorted(set(numbers)))
    assert set(numbers) <= set(range(1, count + 1))
    assert numbers
