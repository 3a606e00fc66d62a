from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from medley_registry import Version
from medley_server.observing.ledger import MOST_CODES, Ledger
from medley_server.observing.request_record import CURRENT, RequestRecord


def of(version: Version | None, **more: object) -> RequestRecord:
    record = RequestRecord(
        method="POST", route="/v1/completions", request_id="r", status=200, version=version
    )
    for name, value in more.items():
        setattr(record, name, value)
    return record


def numbered(version: Version, number: int) -> Version:
    return replace(version, number=number)


STEPS = st.lists(
    st.tuples(st.sampled_from(["ask", "publish", "withdraw"]), st.integers(1, 12)), max_size=80
)


@given(steps=STEPS, most=st.integers(1, 5))
def test_only_offered_versions_have_a_series_and_never_more_than_so_many(
    steps: Sequence[tuple[str, int]], most: int, any_version: Version
) -> None:
    offered: set[int] = set()
    ledger = Ledger(offers=lambda one: one.number in offered, most=most)
    asked = 0

    for step, number in steps:
        if step == "ask":
            ledger.note(of(numbered(any_version, number)))
            asked += 1
        elif step == "publish":
            offered.add(number)
        else:
            offered.discard(number)
        told = [one for one in ledger.series if one.version is not None]

        assert len(told) <= most
        assert {one.version.number for one in told if one.version} <= offered
        assert len({one.name for one in ledger.series}) == len(ledger.series)
    assert {one.name for one in ledger.series if one.version is None} <= {"other"}
    assert sum(sum(one.requests.values()) for one in ledger.series) <= asked


def test_a_version_that_makes_room_gives_its_place_to_the_next(any_version: Version) -> None:
    offered = {1}
    ledger = Ledger(offers=lambda one: one.number in offered, most=1)
    ledger.note(of(any_version))
    offered |= {2}
    ledger.note(of(numbered(any_version, 2)))
    before = [one.name for one in ledger.series]

    offered -= {1}
    ledger.note(of(numbered(any_version, 2)))

    assert before == ["other", "note:1"]
    assert [one.name for one in ledger.series] == ["other", "note:2"]


def test_codes_are_boundedly_many() -> None:
    ledger = Ledger(offers=lambda _: True)

    for n in range(MOST_CODES + 50):
        ledger.note(of(None, status=400, code=f"code_{n}"))

    errors = ledger.series[0].errors
    assert len(errors) == MOST_CODES + 1
    assert errors["other"] == 50


def test_a_wait_is_of_whoever_waited(any_version: Version) -> None:
    ledger = Ledger(offers=lambda _: True)
    ledger.note(of(any_version))

    ledger.note_wait("note:1", 0.2)
    ledger.note_wait("nobody", 0.3)

    totals = {one.name: one.queue.total for one in ledger.series}
    assert totals == pytest.approx({"other": 0.3, "note:1": 0.2})


def test_tokens_of_documents_count_for_the_version_that_was_asked(any_version: Version) -> None:
    ledger = Ledger(offers=lambda _: True)

    whole = of(any_version)
    whole.prompt_tokens, whole.completion_tokens = 150, 25  # as its answer says

    ledger.note_tokens(None, "tiny", 7, 1)
    token = CURRENT.set(whole)
    try:
        ledger.note_tokens(any_version, "note:1", 100, 20)
        ledger.note_tokens(any_version, "note:1", 50, 5)
    finally:
        CURRENT.reset(token)
    ledger.note(whole)

    told = {one.name: (one.prompt_tokens, one.completion_tokens) for one in ledger.series}
    assert told == {"note:1": (150, 25), "tiny": (7, 1)}


@pytest.fixture(scope="module")
def any_version(published: object) -> Version:
    from medley_registry import open_registry

    with open_registry(f"{published}/registry") as registry:
        return registry.versions("note")[0]
