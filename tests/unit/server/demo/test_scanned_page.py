"""The page of the demo: what counts as read."""

from medley.testing import SampleExtraction
from medley_server.demo.scanned_page import MEDICATION_REVIEW


def test_only_values_in_the_row_and_field_where_they_are_printed_are_right() -> None:
    sample = SampleExtraction("medication_reconciliation")
    sample.medication("PRILOSEC", dose="10mg", route="by mouth")  # case and spaces do not count
    sample.medication("levetiracetam", dose="10 mg")  # Prilosec's dose

    right, of = MEDICATION_REVIEW.values_right(sample.build())

    assert right == len({"Prilosec", "its dose", "its route", "levetiracetam"})
    assert of == sum(1 for _ in MEDICATION_REVIEW.truth.leaves())


def test_nothing_read_is_nothing_right() -> None:
    right, _ = MEDICATION_REVIEW.values_right(SampleExtraction("lab_panel").build())

    assert right == 0


def test_the_picture_is_a_small_jpeg_that_travels_with_the_code() -> None:
    picture = MEDICATION_REVIEW.picture.read_bytes()

    assert picture[:3] == b"\xff\xd8\xff"
    assert len(picture) < 300_000
