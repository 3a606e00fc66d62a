"""Where values are marked in their page's text."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from medley.commands.marking import marks_of
from medley.commands.values import Trust, Value, values_of
from medley.results import Found
from medley.testing import SampleExtraction


def value(
    path: str, text: str | None, *, y: float | None = None, x: float = 0.1, page: int = 1
) -> Value:
    box = None if y is None else (x, y, min(x + 0.1, 1.0), min(y + 0.02, 1.0))
    fields = {"value": text or "", "text": text, "page": page, "bbox": box, "match": "exact"}
    return Value(path, Found.model_validate(fields))


def marked(text: str, *values: Value) -> list[dict[str, tuple[int, str]]]:
    """Of each page, the line and the text that every value's mark covers."""
    return [
        {m.value.path: (page[: m.start].count("\n"), page[m.start : m.end]) for m in marks}
        for page, marks in marks_of(text, values)
    ]


def test_each_value_of_an_extraction_is_marked_on_its_line() -> None:
    sample = (
        SampleExtraction(pages=2).line(1, "Unit mmol/L is usual").lab("Na", "139", unit="mmol/L")
    )
    sample.lab("K", "5.9", unit="mmol/L").lab("Cl", "5.9", unit="mmol/L", page=2)
    extraction = sample.build()
    assert extraction.text is not None

    first, second = marked(extraction.text, *values_of(extraction))

    assert first == {
        "labs[0].name": (1, "Na"),
        "labs[0].value": (1, "139"),
        "labs[0].unit": (1, "mmol/L"),
        "labs[1].name": (2, "K"),
        "labs[1].value": (2, "5.9"),
        "labs[1].unit": (2, "mmol/L"),
    }
    assert second["labs[2].value"] == (0, "5.9")


def test_the_same_text_twice_is_marked_where_each_stands() -> None:
    text = "Metoprolol 25 mg\nBisoprolol 25 mg\nRamipril 25 mg"

    (page,) = marked(
        text,
        value("c", "25 mg", y=0.8),
        value("a", "25 mg", y=0.1),
        value("b", "25 mg", y=0.45),
    )

    assert page == {"a": (0, "25 mg"), "b": (1, "25 mg"), "c": (2, "25 mg")}


def test_places_that_are_certain_tell_where_the_others_are() -> None:
    text = "\n".join(["5"] * 5 + ["Potassium 5"] + ["5"] * 2)

    (page,) = marked(text, value("name", "Potassium", y=0.1), value("value", "5", y=0.1, x=0.4))

    assert page["value"] == (5, "5")  # the line is low in the text, and high on the page


@pytest.mark.parametrize(
    ("text", "printed", "line"),
    [
        ("15.9 and 5 mg", "5", "5"),
        ("dose 2.5 or 25", "25", "25"),
        ("ACETYLSALICYLIC  acid", "acetylsalicylic acid", "ACETYLSALICYLIC  acid"),
        ("Sodium | 139 | mmol/L", "139 mmol/L", "139 | mmol/L"),
        ("blood\npressure 120/80", "blood pressure", "blood\npressure"),
        ("Na139", "139", "139"),
        ("cost (a+b)*", "(a+b)*", "(a+b)*"),
    ],
)
def test_what_is_printed_is_found_as_a_whole(text: str, printed: str, line: str) -> None:
    (page,) = marked(text, value("v", printed, y=0.1))

    assert page["v"][1] == line


def test_a_number_inside_another_is_not_marked_where_it_stands_alone() -> None:
    text = "15.9\n5.9"

    ((_, (mark,)),) = marks_of(text, [value("v", "5.9", y=0.0)])

    assert mark.start == 5


def test_what_is_not_on_the_page_is_not_marked() -> None:
    assert marked("a", value("v", "b", y=0.1), value("w", None, y=0.1)) == [{}]
    assert marked("", value("v", "b")) == [{}]
    assert marked("a\fb", value("v", "a", page=2), value("w", "  ", page=1)) == [{}, {}]


@given(
    text=st.text(alphabet="ab1 .|\n\f", max_size=40),
    values=st.lists(
        st.tuples(
            st.text(alphabet="ab1 .|*(", max_size=4),
            st.integers(1, 3),
            st.floats(0, 0.9) | st.none(),
        ),
        max_size=6,
    ),
)
def test_marks_never_overlap_and_stay_in_their_page(text: str, values: list[Any]) -> None:
    given_values = [value(str(n), t, y=y, page=p) for n, (t, p, y) in enumerate(values)]

    for number, (page, marks) in enumerate(marks_of(text, given_values), start=1):
        ends = [0, *(mark.end for mark in marks)]
        for before, mark in zip(ends, marks, strict=False):
            assert before <= mark.start < mark.end <= len(page)
            assert mark.value.found.page == number


@pytest.mark.parametrize(
    ("review", "confidence", "trust"),
    [
        (False, 0.95, Trust.SURE),
        (False, 0.8, Trust.SURE),
        (False, 0.79, Trust.UNSURE),
        (False, None, Trust.UNSURE),
        (True, 0.99, Trust.REVIEW),
    ],
)
def test_a_flag_for_review_outweighs_any_confidence(
    *, review: bool, confidence: float | None, trust: Trust
) -> None:
    found = Found(value="x", match="exact", review=review, confidence=confidence)  # type: ignore[arg-type]

    assert Value("v", found).trust is trust
