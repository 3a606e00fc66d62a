"""Copied texts are found where they are printed, and what is not printed is not found."""

# ruff: noqa: RUF001 - the pages have signs that look alike

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from medley.grounding import Ground, Place
from medley.pages import Box, Word
from medley.results.found import Match

from tests.unit.clients.grounding.pages import CHARACTER, words_of

PANEL = """\
Test           Result   Flag  Units
Potassium      5.9      H     mmol/L
Sodium         141            mmol/L
Creatinine     <0.5           mg/dL
Base excess    −2.0           mmol/L
"""


def found(page: str, text: str, near: Box | None = None) -> Place:
    place = Ground(words_of(page), 1).find(text, near)
    assert place is not None, text
    return place


def is_found(page: str, text: str) -> bool:
    return Ground(words_of(page), 1).find(text) is not None


def test_a_printed_value_is_found_where_it_stands() -> None:
    place = found(PANEL, "141")

    assert (place.match, place.text, place.page) == (Match.EXACT, "141", 1)
    (word,) = [word for word in words_of(PANEL) if word.text == "141"]
    assert place.words == (word,)
    assert place.bbox == word.box


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("Potassium", "POTASSIUM"),
        ("120mg", "120 mg"),
        ("120 mg", "120mg"),
        ("mg / dL", "mg/dL"),
        ("3.5–5.1", "3.5-5.1"),
        ("−2.0", "-2.0"),
        ("patient’s own", "patient's own"),
        ("ﬁbrillation", "fibrillation"),
        ("５．９", "5.9"),
        ("1\u202f000", "1 000"),
        ("≤ 0.5", "<= 0.5"),
        ("x10⁹/L", "x10^9/L"),
        ("U\u0308belkeit", "Übelkeit"),
    ],
)
def test_case_space_dashes_and_forms_of_letters_do_not_count(page: str, text: str) -> None:
    assert found(page, text).match is Match.NORMALIZED


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("l20 mg", "120 mg"),
        ("1O0 mg", "100 mg"),
        ("l20 rng", "120 mg"),
        ("Creatlnine", "Creatinine"),
        ("Amoxicil1in", "Amoxicillin"),
        ("Hernoglobin", "Hemoglobin"),
        ("acuteappendicitis", "acute appendicitis"),
        ("hyper tension", "hypertension"),
        ("Acute, appendicitis", "Acute appendicitis"),
        ("Metoprolal tartrate", "Metoprolol tartrate"),
    ],
)
def test_what_ocr_mixes_up_is_found_and_called_fuzzy(page: str, text: str) -> None:
    assert found(f"first line\n{page} daily\nlast line", text).match is Match.FUZZY


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("5.9", "5.8"),
        ("5.9", "59"),
        ("59", "5.9"),
        ("15.9", "5.9"),
        ("5.91", "5.9"),
        ("1419", "141"),
        ("10⁹", "109"),
        ("5 9 mmol/L", "59 mmol/L"),
        ("2.5 mg twice daily", "25 mg twice daily"),
        ("25 mg twice daily", "2.5 mg twice daily"),
        ("250 mg twice daily", "25 mg twice daily"),
        ("> 150 ng/mL", "< 150 ng/mL"),
        ("-2.0 mmol/L", "+2.0 mmol/L"),
        ("120/80 mmHg", "12080 mmHg"),
        ("omeprazole", "esomeprazole"),
        ("hydralazine", "hydroxyzine"),
        ("prednisolone", "prednisone"),
        ("S", "5"),
        ("1000 mcg once daily", "1000 mg once daily"),
        ("1600 HR", "1600 U/HR"),
        ("0.O2 ng", "002 ng"),
        ("13 U/l 30 g", "130 g"),
        ("chronic kidney disease stage", "chronic kidney disease stage 6"),
        ("chronic kidney disease stage 3", "chronic kidney disease stage 4"),
        ("", "5"),
        ("Potassium", ""),
        ("Potassium", "  "),
    ],
)
def test_another_number_or_name_is_no_match(page: str, text: str) -> None:
    assert not is_found(page, text)


@pytest.mark.parametrize(("text", "lead"), [("0.5", "<"), ("2.0", "-")])
def test_a_sign_that_was_left_out_is_told_and_never_a_good_match(text: str, lead: str) -> None:
    place = found(PANEL, text)

    assert (place.match, place.lead) == (Match.FUZZY, lead)


@pytest.mark.parametrize("printed", ["l5 mg", "I5 mg", "|5 mg", "O5 mg"])
def test_a_number_behind_what_may_be_another_digit_is_never_a_good_match(printed: str) -> None:
    assert found(printed, "5 mg").match is Match.FUZZY


@pytest.mark.parametrize("page", ["3.5-5.1", "SARS-5.1", "(H)-5.1"])
def test_a_dash_between_two_things_is_no_sign(page: str) -> None:
    assert found(page, "5.1").lead == ""


def test_of_a_part_of_a_word_only_that_part_is_boxed() -> None:
    place = found("120mg", "120")

    (word,) = words_of("120mg")
    assert place.match is Match.EXACT
    assert place.bbox.x0 == word.box.x0
    assert place.bbox.x1 == pytest.approx(word.box.x0 + 3 * CHARACTER)


def test_ocr_words_with_spaces_inside_are_searched_too() -> None:
    line = Word("Potassium 5.9 mmol/L", Box(0.1, 0.1, 0.3, 0.12), 0.9)

    place = Ground([line], 4).find("5.9")

    assert place is not None
    assert place.words == (line,)
    assert place.bbox.x0 == pytest.approx(0.2)
    assert place.bbox.x1 == pytest.approx(0.23)


def test_a_value_that_goes_on_in_the_next_line_is_found() -> None:
    place = found("The patient has acute\nappendicitis and asthma.", "acute appendicitis")

    assert place.match is Match.EXACT
    first, second = (word.box for word in place.words)
    assert place.bbox == Box.around((first, second))


def test_a_value_that_goes_on_within_its_cell_is_found() -> None:
    table = "acute           PO     with each\nappendicitis           meal"

    assert found(table, "acute appendicitis").match is Match.EXACT
    assert found(table, "with each meal").match is Match.EXACT


def test_of_repeated_values_the_one_nearest_to_the_row_is_taken() -> None:
    rows = {word.text: word.box for word in words_of(PANEL)}

    for name in ("Potassium", "Sodium", "Base"):
        place = found(PANEL, "mmol/L", near=rows[name])
        assert place.bbox.y0 == rows[name].y0


def test_without_a_row_the_first_of_repeated_values_is_taken() -> None:
    assert found(PANEL, "mmol/L").bbox.y0 == found(PANEL, "Potassium").bbox.y0


def test_one_of_hundreds_of_repeated_values_is_found_in_its_row() -> None:
    page = "\n".join(f"Test{n}  {n}  mg" for n in range(40))
    names = {word.text: word.box for word in words_of(page)}
    words = [word for n in range(10) for word in words_of(page, left=n / 10)]

    place = Ground(words, 1).find("mg", near=names["Test33"])

    assert place is not None
    assert place.bbox.y0 == names["Test33"].y0


def test_words_may_come_in_any_order() -> None:
    words = words_of("The patient has acute appendicitis today")
    Random(1).shuffle(words)

    place = Ground(words, 1).find("patient has acute appendicitis")

    assert place is not None
    assert place.match is Match.EXACT


def test_lines_of_a_tilted_page_stay_apart() -> None:
    straight = words_of("\n".join(f"name{n}  with  much  space  then  value{n}" for n in range(9)))
    tilted = [
        Word(w.text, Box(w.box.x0, w.box.y0 + w.box.x0 / 25, w.box.x1, w.box.y1 + w.box.x0 / 25))
        for w in straight
    ]

    assert Ground(tilted, 1).find("name4 with much space then value4") is not None


TEXTS = st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=6)


@given(st.lists(TEXTS, min_size=1, max_size=12), st.data())
def test_every_run_of_printed_words_is_found_as_printed(
    texts: list[str], data: st.DataObject
) -> None:
    page = " ".join(texts)
    ground = Ground(words_of(page), 1)
    first = data.draw(st.integers(0, len(texts) - 1))
    last = data.draw(st.integers(first, len(texts) - 1))
    wanted = " ".join(texts[first : last + 1])

    place = ground.find(wanted)

    assert place is None or place.text == wanted or place.match is not Match.EXACT
    if place is not None:
        assert "".join(word.text for word in place.words)
        assert Box.around([place.bbox, *(w.box for w in place.words)]) == Box.around(
            w.box for w in place.words
        )


@given(st.integers(0, 99999), st.integers(0, 3), st.integers(0, 99999), st.integers(0, 3))
def test_a_number_is_found_only_where_this_number_is_printed(
    printed: int, printed_places: int, wanted: int, wanted_places: int
) -> None:
    on_page = f"{printed / 10**printed_places:.{printed_places}f}"
    number = f"{wanted / 10**wanted_places:.{wanted_places}f}"

    assert is_found(f"Potassium {on_page} mmol/L", number) == (number == on_page)


def _work_on(num_rows: int) -> int:
    """The work of finding three values in each row of a page; one in four is not there."""
    random = Random(num_rows)
    rows = [(f"analyte{random.randrange(10**6)}", f"{n}.{n % 7}") for n in range(num_rows)]
    words = [
        Word(text, Box(x, n * 0.02, x + 0.1, n * 0.02 + 0.012))
        for n, (name, value) in enumerate(rows)
        for x, text in ((0.1, name), (0.4, value), (0.6, "mmol/L"))
    ]
    ground = Ground(words, 1)
    for n, (name, value) in enumerate(rows):
        row = Box(0.1, n * 0.02, 0.2, n * 0.02 + 0.012)
        for text in (name, value, "mmol/L", f"absent analyte {n}"):
            ground.find(text, row)
    return ground.work


def test_the_work_grows_with_the_page_and_not_with_its_square() -> None:
    small, large = _work_on(300), _work_on(1200)

    assert large < 6 * small  # searching all of the page for every value would make it 16
