"""What is masked in a text, what stays, and what a page cannot cost."""

from itertools import pairwise

import pytest
from medley_server.deidentification import Kind, deidentified, details_in

from tests.bench.deidentification import generated, written


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Patient: Lindqvist, Samuel | MRN: 4419782", "Patient: [NAME] | MRN: [ID]"),
        ("PT ROWNTREE,AMINA #8230966", "PT [NAME] [ID]"),
        ("Re: Clara Whitfield, born 14-05-1960", "Re: [NAME], born [DATE]"),
        ("gez. Dr. med. Ferreira, Oberarzt", "gez. Dr. med. [NAME], Oberarzt"),
        ("signed by Okafor, MD on 2024/10/27", "signed by [NAME], MD on [DATE]"),
        ("Name | Ward | MRN\nOsei, Ruth | 4B | 77182", "Name | Ward | MRN\n[NAME] | 4B | [ID]"),
        ("Dr van der Berg will call.", "Dr [NAME] will call."),
        ("9 Quarry Lane, Dunmore, PA 18512", "[PLACE]"),
        ("Am Fischmarkt 7, 26721 Emden | Tel. 04921 98-0", "[PLACE] | [PHONE]"),
        ("Priory Road, Barnstead BN4 7QT", "[PLACE]"),
        ("St Brannock's Hospital NHS Trust", "[PLACE]"),
        ("Phone: (570) 555-0143, ext. 4471", "[PHONE], [PHONE]"),
        ("a.pennyworth@example.org at https://portal.example.org/p/8812", "[EMAIL] at [WEB]"),
        ("SSN: 078-05-1120, seen from 10.0.0.17", "SSN: [ID], seen from [WEB]"),
        ("A 93-year-old, now aged 91", "A [AGE], now [AGE]"),
        ("admitted on March 3, home 5. März 2024", "admitted on [DATE], home [DATE]"),
    ],
)  # fmt: skip
def test_details_are_replaced_by_their_kind(text: str, masked: str) -> None:
    assert deidentified(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "Potassium 5.9 mmol/L (3.5-5.1), pH 7.41, BP 142/84 at 10:30",
        "Arterial pH | 7.20 | 7.35-7.45",
        "Name | Dose | Route\nLisinopril | 10 mg | oral",
        "The patient may take 1.5 mg in March.",
        "A 64-year-old woman with Parkinson disease since 2019",
        "Patient brought pill bottles to the visit.",
        "Attending: None",
        "Ref: 135-145, ratio 1.10",
        "*** END OF REPORT ***",
    ],
)
def test_what_is_measured_and_prescribed_stays(text: str) -> None:
    assert deidentified(text) == text


def test_a_name_that_was_introduced_once_is_masked_on_every_page() -> None:
    text = (
        "Whitfield's pain is better.\fPatient: Clara Whitfield\fWHITFIELD slept; a clara of sorts"
    )

    assert deidentified(text) == (
        "[NAME]'s pain is better.\fPatient: [NAME]\f[NAME] slept; a clara of sorts"
    )


def test_a_surname_that_is_a_word_of_medicine_is_masked_only_where_a_name_is_expected() -> None:
    assert (
        deidentified("Patient: Ruth White\nWhite cells 7.1") == "Patient: [NAME]\nWhite cells 7.1"
    )


def test_a_number_is_masked_where_it_stands_again_without_its_label() -> None:
    assert deidentified("MRN: 4419782\fpage 2, 4419782") == "MRN: [ID]\fpage 2, [ID]"


def test_details_are_apart_and_in_order() -> None:
    (text, _), *_ = generated(1, 11)

    details = details_in(text)

    assert all(a.end <= b.start for a, b in pairwise(details))
    assert {Kind.NAME, Kind.DATE, Kind.ID, Kind.PLACE} <= {one.kind for one in details}


def test_generated_documents_of_held_out_layouts_keep_no_detail() -> None:
    for text, marks in generated(2, 5):
        hidden = {n for one in details_in(text) for n in range(one.start, one.end)}
        for start, end, kind in marks:
            left = [text[n] for n in range(start, end) if n not in hidden and text[n].isalnum()]
            assert not left, f"{kind} {text[start:end]!r} in {text[:80]!r}"


def test_the_bench_marks_what_stands_in_braces() -> None:
    assert list(written(["Dr {name:Abel}, {date:March 3}"])) == [
        ("Dr Abel, March 3", [(3, 7, "name"), (9, 16, "date")])
    ]


@pytest.mark.parametrize(
    "piece",
    [
        "a",
        "A",
        "1",
        "1/",
        "A ",
        "Patient: ",
        "Dr. ",
        "#",
        "12 ",
        "a.",
        "x@",
        "1-",
        "| ",
        "No ",
        "Le-",
    ],
)
def test_a_hostile_page_ends(piece: str) -> None:
    text = piece * (30_000 // len(piece))

    assert len(deidentified(text)) > 0
