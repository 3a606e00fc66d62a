"""`medley adapter history`: what was in production on that day, and who moved it."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from medley_registry import AliasMove, MoveReason
from medley_registry.commands.arguments import Span, span
from medley_registry.commands.history import tenures

from tests.unit.registry.commands.shell import medley

DAY = datetime(2026, 11, 20, tzinfo=UTC)


def move(generation: int, *, hours: float, alias: str = "production") -> AliasMove:
    return AliasMove(
        adapter="notes",
        alias=alias,
        generation=generation,
        from_number=generation - 1 or None,
        to_number=generation,
        actor="ada",
        reason=MoveReason.PROMOTE,
        at=DAY + timedelta(hours=hours),
    )


MOVES = [
    move(1, hours=-30),
    move(1, hours=-2, alias="canary"),
    move(2, hours=-1),
    move(3, hours=8),
    move(4, hours=30),
]


def standing(at: str) -> list[tuple[str, int]]:
    found = [tenure for tenure in tenures(MOVES) if tenure.overlaps(span(at))]
    return [(tenure.move.alias, tenure.move.to_number) for tenure in found]


def test_a_day_has_all_that_stood_in_it() -> None:
    assert standing("2026-11-20") == [("canary", 1), ("production", 2), ("production", 3)]


@pytest.mark.parametrize(
    ("at", "number"),
    [
        ("2026-11-20T07:59:59", 2),
        ("2026-11-20T08:00", 3),
        ("2026-11-20T09:30+02:00", 2),
        ("2026-11-20T00:00Z", 2),
        ("2027-01-01", 4),
    ],
)
def test_a_point_in_time_has_one(at: str, number: int) -> None:
    assert ("production", number) in standing(at)
    assert [alias for alias, _ in standing(at)].count("production") == 1


def test_before_its_first_move_an_alias_stood_nowhere() -> None:
    assert standing("2026-11-17") == []


def test_a_day_is_one_in_utc() -> None:
    assert span("2026-11-20") == Span(DAY, DAY + timedelta(days=1, microseconds=-1))


@pytest.mark.parametrize("at", ["yesterday", "2026-13-01", "20-11-2026", "", "9999-12-32"])
def test_what_is_no_day_is_wrong_usage(home: Path, at: str) -> None:
    assert medley("adapter", "history", "notes", "--at", at).exit_code == 2


def test_the_table_says_who_moved_it(home: Path) -> None:
    medley("adapter", "promote", "notes:2", LOGNAME="grace")
    today = datetime.now(UTC).strftime("%Y-%m-%d")

    lines = medley("adapter", "history", "notes", "--at", today).stdout.splitlines()

    assert lines[0].split() == ["ALIAS", "VERSION", "SINCE", "UNTIL", "REASON", "ACTOR"]
    assert lines[1].split()[-2:] == ["promote", "ada"]
    assert lines[-1].split()[-3:] == ["now", "promote", "grace"]


def test_as_json_it_has_both_ends(home: Path) -> None:
    medley("adapter", "promote", "notes:2")
    today = datetime.now(UTC).strftime("%Y-%m-%d")

    done = medley("adapter", "history", "notes", "--at", today, "--json")

    first, second = json.loads(done.stdout)
    assert first["until"] == second["since"]
    assert second["until"] is None


def test_when_nothing_stood_it_says_so(home: Path) -> None:
    done = medley("adapter", "history", "notes", "--at", "2001-01-01")

    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr == "no alias pointed anywhere then\n"


def test_every_move_is_listed(home: Path) -> None:
    medley("adapter", "promote", "notes:2", "--alias", "canary")

    assert len(medley("adapter", "history", "notes").stdout.splitlines()) == 3
    assert len(medley("adapter", "history", "notes", "--alias", "canary").stdout.splitlines()) == 2
