from hypothesis import given, settings
from hypothesis import strategies as st
from medley_training.documents.blocks import Span, plain
from medley_training.documents.lines import broken
from medley_training.documents.page import Font

FONT = Font("Courier", 10.0)  # every character is 6 points wide
WORDS = st.text("abc", min_size=1, max_size=9)
SPANS = st.lists(
    st.tuples(st.lists(WORDS, min_size=1, max_size=4).map(" ".join), st.booleans()), max_size=12
)


@settings(max_examples=40)
@given(drawn=SPANS, columns=st.integers(6, 40))
def test_no_character_is_lost_and_no_line_too_long(
    drawn: list[tuple[str, bool]], columns: int
) -> None:
    spans: list[Span] = []
    for number, (text, is_value) in enumerate(drawn):
        spans += [Span(text, (f"p{number}",) if is_value else ()), Span(" ")]

    lines = broken(spans, FONT, columns * 6.0)

    printed = ["".join(piece.text for piece in line) for line in lines]
    assert " ".join(printed).split() == plain(tuple(spans)).split()
    for line in printed:
        assert len(line) <= columns or " " not in line
        assert line == line.strip()


@settings(max_examples=40)
@given(drawn=SPANS, columns=st.integers(40, 60))
def test_a_value_that_fits_on_a_line_is_never_broken(
    drawn: list[tuple[str, bool]], columns: int
) -> None:
    spans: list[Span] = []
    for number, (text, is_value) in enumerate(drawn):
        spans += [Span(text, (f"p{number}",) if is_value else ()), Span(" ")]

    pieces = [piece for line in broken(spans, FONT, columns * 6.0) for piece in line]

    assert [piece.text for piece in pieces if piece.paths] == [
        text for text, is_value in drawn if is_value
    ]


def test_a_bracket_stays_with_the_value_in_it() -> None:
    spans = [Span("aaaa ("), Span("bb cc", ("p",)), Span(")")]

    first, second = broken(spans, FONT, 9 * 6.0)

    assert "".join(piece.text for piece in first) == "aaaa"
    assert "".join(piece.text for piece in second) == "(bb cc)"


def test_a_value_wider_than_a_line_goes_on_below_it() -> None:
    first, second = broken([Span("aaaa bbbb cccc", ("p",))], FONT, 10 * 6.0, first_value=7)

    assert [(piece.text, piece.value) for piece in (*first, *second)] == [
        ("aaaa bbbb", 7),
        ("cccc", 7),
    ]
