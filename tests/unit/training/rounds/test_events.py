"""A run's events: to a line and back, kept in a file that a killed process may have torn."""

import json
from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime
from itertools import pairwise
from math import inf, isnan, nan
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, get_args, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from medley_training.errors import RunDamaged
from medley_training.rounds.event_log import EventLog, from_line, read_events, to_line
from medley_training.rounds.events import (
    Aggregated,
    Contributed,
    Evaluated,
    Event,
    Failed,
    Metrics,
    Step,
    together,
)

from tests.unit.training.reports.run_folders import contributed, events_of_run, failed, step

_FLOATS = st.floats(allow_nan=False, allow_infinity=False)
_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_METRICS = st.dictionaries(_TEXTS, _FLOATS, max_size=3)
_VALUES: dict[Any, SearchStrategy[Any]] = {
    int: st.integers(),
    float: _FLOATS,
    bool: st.booleans(),
    str: _TEXTS,
    datetime: st.datetimes(min_value=datetime(1000, 1, 1), timezones=st.just(UTC)),
    tuple[str, ...]: st.lists(_TEXTS, max_size=3).map(tuple),
    Metrics: _METRICS,
    Mapping[str, Metrics]: st.dictionaries(_TEXTS, _METRICS, max_size=3),
    int | None: st.none() | st.integers(),
    float | None: st.none() | _FLOATS,
    str | None: st.none() | _TEXTS,
}


def _events() -> SearchStrategy[Event]:
    def built(kind: type[Event]) -> SearchStrategy[Event]:
        hints = get_type_hints(kind)
        return st.builds(kind, **{each.name: _VALUES[hints[each.name]] for each in fields(kind)})

    return st.one_of([built(kind) for kind in get_args(Event)])


@given(_events())
def test_every_event_is_read_back_from_its_line(event: Event) -> None:
    line = to_line(event)

    assert from_line(line) == event
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1


def test_a_line_is_plain_json_with_the_agreed_names() -> None:
    event = Aggregated(
        round=2,
        duration_s=0.5,
        rank=8,
        weights={"north": 1.0},
        bytes=10,
        at=datetime(2026, 11, 21, tzinfo=UTC),
    )

    assert json.loads(to_line(event)) == {
        "event": "aggregated",
        "at": "2026-11-21T00:00:00.000000Z",
        "round": 2,
        "duration_s": 0.5,
        "rank": 8,
        "weights": {"north": 1.0},
        "bytes": 10,
        "notes": [],
    }


def test_numbers_that_are_not_finite_are_null_and_come_back_as_not_a_number() -> None:
    event = Evaluated(round=1, scores={"a": {"loss": nan}}, pooled={"loss": inf}, fairness={})

    found = from_line(to_line(event))

    assert b"NaN" not in to_line(event)
    assert isinstance(found, Evaluated)
    assert isnan(found.scores["a"]["loss"])
    assert isnan(found.pooled["loss"])


def test_no_epsilon_and_an_epsilon_that_is_not_finite_stay_apart() -> None:
    without = from_line(to_line(contributed()))
    boundless = from_line(to_line(contributed(epsilon=inf)))

    assert isinstance(without, Contributed)
    assert without.epsilon is None
    assert isinstance(boundless, Contributed)
    assert boundless.epsilon is not None
    assert isnan(boundless.epsilon)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"[]", "known kind"),
        (b'{"event": "danced"}', "known kind"),
        (b'{"event": ["step"]}', "known kind"),
        (b'{"event": "failed", "round": 1, "site": "a"}', "detail"),
        (b'{"event": "failed", "round": "1", "site": "a", "detail": ""}', "'1' is not of type int"),
        (b'{"event": "failed", "round": true, "site": "a", "detail": ""}', "not of type int"),
        (b'{"event": "failed", "round": 1, "site": "a", "detail": "", "x": 1}', "unknown field"),
        (b'{"event": "closed", "round": 1, "sites": ["a", 2]}', "2 is not of type str"),
        (b'{"event": "closed", "round": 1, "sites": [], "at": "noon"}', "noon"),
    ],
)
def test_a_line_that_is_no_event_says_why(line: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        from_line(line)


def test_a_log_gives_its_events_back_in_order(tmp_path: Path) -> None:
    events = events_of_run()
    log = EventLog(tmp_path / "events.jsonl")

    for event in events:
        log.append(event)

    assert read_events(tmp_path / "events.jsonl") == tuple(events)


def test_a_missing_log_has_no_events(tmp_path: Path) -> None:
    assert read_events(tmp_path / "events.jsonl") == ()


@pytest.mark.parametrize("torn", [b'{"event": "clo', b'{"event": "danced"}', b"\xff"])
def test_a_torn_last_line_is_left_out_and_then_overwritten(tmp_path: Path, torn: bytes) -> None:
    path = tmp_path / "events.jsonl"
    EventLog(path).append(failed("east"))
    with path.open("ab") as file:
        file.write(torn)

    read_torn = read_events(path)
    EventLog(path).append(failed("west"))

    assert [_site(event) for event in read_torn] == ["east"]
    assert [_site(event) for event in read_events(path)] == ["east", "west"]


def test_a_damaged_line_before_the_last_is_named(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(to_line(failed()) + b"{}\n" + to_line(failed()))

    with pytest.raises(RunDamaged, match=r"events\.jsonl:2: "):
        read_events(path)


@settings(max_examples=40)
@given(st.integers(1, 300))
def test_at_most_twenty_steps_of_a_site_are_kept_with_the_first_and_the_last(total: int) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "events.jsonl"
        log = EventLog(path)
        for number in range(1, total + 1):
            log.append(step(number=number, of=total))
        kept = [event.step for event in read_events(path) if isinstance(event, Step)]

    assert len(kept) == min(total, 20)
    assert (kept[0], kept[-1]) == (1, total)
    gaps = {after - before for before, after in pairwise(kept)}
    assert max(gaps, default=0) - min(gaps, default=0) <= 1


def test_each_observer_is_told_in_turn() -> None:
    told: list[tuple[str, Event]] = []
    event = failed()

    together(lambda e: told.append(("first", e)), lambda e: told.append(("second", e)))(event)

    assert told == [("first", event), ("second", event)]


def _site(event: Event) -> str:
    assert isinstance(event, Failed)
    return event.site
