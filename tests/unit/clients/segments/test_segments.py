"""A page in parts: rows with their columns' titles, items, sentences, headings."""

import pytest
from medley.pages import Page, PageStatus
from medley.records import DocumentType
from medley.segments import lines_of, page_text, segments_of
from medley_training.documents.document import generate
from medley_training.documents.styles import STYLES

from tests.bench.segment_coverage import counts
from tests.unit.clients.segments.sheet import Sheet


def texts(*pages: Page) -> list[str]:
    return [segment.text for segment in segments_of(pages)]


def lab_table() -> Sheet:
    sheet = Sheet().row("Results", size=12).skip(4)
    sheet.row("Test", "Result", "Unit", "Flag").skip(6)
    sheet.row("Sodium", "139", "mmol/L").skip(6)
    return sheet.row("Potassium", "5.9", "mmol/L", "H")


def test_the_cells_of_a_row_are_named_by_their_columns() -> None:
    assert texts(lab_table().page())[-2:] == [
        "Test: Sodium | Result: 139 | Unit: mmol/L",
        "Test: Potassium | Result: 5.9 | Unit: mmol/L | Flag: H",
    ]


def test_an_empty_cell_does_not_move_the_others() -> None:
    page = lab_table().skip(6).row("INR", "1.1", "", "L").page()

    assert texts(page)[-1] == "Test: INR | Result: 1.1 | Flag: L"


@pytest.mark.parametrize("degrees", [-1.5, 1.5])
def test_a_page_that_lies_askew_has_the_same_lines(degrees: float) -> None:
    sheet = lab_table()

    assert page_text(sheet.page(askew=degrees)) == page_text(sheet.page())


def test_a_value_under_a_time_is_named_by_the_time() -> None:
    sheet = Sheet().row("Measure", "Unit", "06:00", "08:00").skip(6)

    page = sheet.row("Heart rate", "bpm", "88", "91").page()

    assert texts(page)[-1] == "Measure: Heart rate | Unit: bpm | 06:00: 88 | 08:00: 91"


def test_what_did_not_fit_into_a_cell_belongs_to_it() -> None:
    sheet = Sheet().row("Drug", "Dose", "Route").skip(6)
    sheet.row("Insulin", "14 units", "SC").row("glargine").skip(6)

    page = sheet.row("Digoxin", "250 mcg", "PO").page()

    assert texts(page)[1:] == [
        "Drug: Insulin glargine | Dose: 14 units | Route: SC",
        "Drug: Digoxin | Dose: 250 mcg | Route: PO",
    ]


def test_pairs_of_name_and_value_have_no_row_of_titles() -> None:
    page = Sheet().row("Sodium", "139 mmol/L").row("Potassium", "5.9 mmol/L").page()

    assert texts(page) == ["Sodium | 139 mmol/L", "Potassium | 5.9 mmol/L"]


def test_the_foot_of_the_page_is_no_row_of_its_last_table() -> None:
    page = lab_table().skip(200).row("Printed from the record", "", "", "1 / 2").page()

    assert texts(page)[-1] == "Printed from the record | 1 / 2"


def test_a_segment_knows_the_heading_above_it_over_the_end_of_a_page() -> None:
    first = Sheet().row("Ward letter").row("Dear all").skip(12).row("Medications", size=12)
    first.row("Digoxin 250 mcg daily").row("Metformin 500 mg BID")
    second = Sheet().row("Losartan 50 mg daily").page(number=2)

    headings = {segment.text: segment.heading for segment in segments_of([first.page(), second])}

    assert headings["Digoxin 250 mcg daily"] == "Medications"
    assert headings["Losartan 50 mg daily"] == "Medications"


def test_sentences_are_parted_and_abbreviations_are_not() -> None:
    page = Sheet().row("She takes digoxin p.o. Daily for Dr. Osei. Sodium was 139. No gout.").page()

    assert texts(page) == [
        "She takes digoxin p.o. Daily for Dr. Osei.",
        "Sodium was 139.",
        "No gout.",
    ]


def test_a_broken_line_goes_on_and_a_short_one_does_not() -> None:
    wide = "The patient has been taking metoprolol tartrate for many years without any trouble at"
    page = Sheet().row(wide).row("all, as she says").row("Gout").row("Asthma").page()

    assert texts(page) == [f"{wide} all, as she says", "Gout", "Asthma"]


def test_a_page_without_words_has_no_segments() -> None:
    assert texts(Page(number=1, status=PageStatus.BLANK)) == []
    assert lines_of(Page(number=1, status=PageStatus.BLANK)) == ()


@pytest.mark.parametrize("pool", ["home", "away"])
def test_what_generated_documents_say_is_in_their_segments(pool: str) -> None:
    said = missing = 0
    for number, document_type in enumerate(DocumentType):
        style = f"{STYLES[number]}~{pool}{number}"
        document = generate(
            4, document_type=document_type, style=style, number=number, length="full"
        )
        held = counts(document)
        said += held.true_positive
        missing += held.false_negative + held.false_positive

    assert said > 400
    assert missing <= 0.02 * said


def flowsheet(*times: str) -> Sheet:
    """A table whose first two columns stand so close that one row alone does not show them."""
    sheet = Sheet().row("Observations", size=12).skip(4)
    sheet.row("Time", "Pulse", "Pressure", at=(60, 88, 200)).skip(6)
    for time in times:
        sheet.row(time, "83", "82/48", at=(60, 88, 200)).skip(6)
    return sheet


def test_columns_that_stand_close_are_parted_where_the_other_rows_are() -> None:
    page = flowsheet("0:00", "2:00", "4:00", "10:00").page()

    assert texts(page)[-1] == "Time: 10:00 | Pulse: 83 | Pressure: 82/48"


def test_the_words_of_a_title_are_not_parted_by_narrow_columns_under_them() -> None:
    sheet = Sheet().row("Observations", size=12).skip(4)
    sheet.row("Time", "mean pressure", "Pulse", at=(60, 120, 200)).skip(6)
    for time in ("0:00", "2:00", "4:00"):
        sheet.row(time, "67", "83", at=(60, 120, 200)).skip(6)

    assert texts(sheet.page())[-1] == "Time: 4:00 | mean pressure: 67 | Pulse: 83"


def test_the_wide_spaces_of_a_typewriter_part_no_cells() -> None:
    page = Sheet(space=1.5).row("Harbor Street Physicians of Portsmouth").page()

    assert page_text(page) == "Harbor Street Physicians of Portsmouth"


def test_titles_of_two_lines_are_one_though_each_has_as_many_words() -> None:
    sheet = Sheet().row("Observations", size=12).skip(4)
    sheet.row("Time", "heart", "blood", at=(60, 200, 300))
    sheet.row("(24 h)", "rate", "pressure", at=(60, 200, 300)).skip(6)
    for time in ("0:00", "2:00", "4:00"):
        sheet.row(time, "83", "82/48", at=(60, 200, 300)).skip(6)

    assert texts(sheet.page())[-1] == "Time (24 h): 4:00 | heart rate: 83 | blood pressure: 82/48"
