"""Dates and times; what could be two days stays as it is printed."""

import pytest
from medley_server.normal_forms import Conventions, date_of, moment_of, time_of
from medley_server.normal_forms.conventions import DateOrder


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("2024-03-12", "2024-03-12"),
        ("2024/03/12", "2024-03-12"),
        ("12.03.2024", "2024-03-12"),
        ("03.04.2024", "2024-04-03"),
        ("13/03/2024", "2024-03-13"),
        ("03/13/2024", "2024-03-13"),
        ("04/04/2024", "2024-04-04"),
        ("March 12, 2024", "2024-03-12"),
        ("Mar. 12, 2024", "2024-03-12"),
        ("12 March 2024", "2024-03-12"),
        ("12th March 2024", "2024-03-12"),
        ("12-Mar-24", "2024-03-12"),
        ("12. März 2024", "2024-03-12"),
        ("13/03/24", "2024-03-13"),
        ("13/03/71", "1971-03-13"),
    ],
)
def test_dates_become_iso(text: str, iso: str) -> None:
    day = date_of(text)

    assert day is not None
    assert (day.value, day.is_known) == (iso, True)


def test_a_day_that_could_be_two_stays_printed_with_a_note() -> None:
    day = date_of("03/04/2024")

    assert day is not None
    assert (day.value, day.is_known) == ("03/04/2024", False)
    assert day.note is not None


@pytest.mark.parametrize(("order", "iso"), [("dmy", "2024-04-03"), ("mdy", "2024-03-04")])
def test_the_document_may_settle_the_order(order: DateOrder, iso: str) -> None:
    day = date_of("03/04/2024", Conventions(date_order=order))

    assert day is not None
    assert day.value == iso


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("born 23/11/1950, seen 03/04/2024", "dmy"),
        ("born 11/23/1950, seen 03/04/2024", "mdy"),
        ("seen 03/04/2024", None),
        ("born 11/23/1950, seen 23/04/2024", None),
    ],
)
def test_a_document_settles_the_order_by_its_clear_dates(
    text: str, order: DateOrder | None
) -> None:
    assert Conventions.of(text).date_order == order


@pytest.mark.parametrize(
    "text", ["31.02.2024", "2024-13-01", "yesterday", "5.9", "12 Foo 2024", ""]
)
def test_what_is_no_day_is_none(text: str) -> None:
    assert date_of(text) is None


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("06:00", "06:00"),
        ("6:00", "06:00"),
        ("0600", "06:00"),
        ("06.00", "06:00"),
        ("06:00 Uhr", "06:00"),
        ("06h00", "06:00"),
        ("0600 hrs", "06:00"),
        ("6:05 AM", "06:05"),
        ("6:05 p.m.", "18:05"),
        ("12:00 AM", "00:00"),
        ("12:30 PM", "12:30"),
        ("6 PM", "18:00"),
        ("06:00:30", "06:00:30"),
    ],
)
def test_times_become_iso(text: str, at: str) -> None:
    assert time_of(text) == at


@pytest.mark.parametrize("text", ["25:00", "06:61", "13:00 PM", "0:30 AM", "noon", "5.9", "2460"])
def test_what_is_no_time_is_none(text: str) -> None:
    assert time_of(text) is None


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("12.03.2024 06:00", "2024-03-12T06:00"),
        ("12.03.2024, 06:00 Uhr", "2024-03-12T06:00"),
        ("2024-03-12T06:00", "2024-03-12T06:00"),
        ("March 12, 2024 at 6:00 PM", "2024-03-12T18:00"),
        ("0600", "06:00"),
        ("2024-03-12", "2024-03-12"),
    ],
)
def test_moments_have_day_and_time(text: str, iso: str) -> None:
    moment = moment_of(text)

    assert moment is not None
    assert moment.value == iso


def test_a_time_on_an_ambiguous_day_stays_printed() -> None:
    moment = moment_of("03/04/2024 06:00")

    assert moment is not None
    assert (moment.value, moment.is_known) == ("03/04/2024 06:00", False)
