"""What a run shows on standard error: lines for a file, bars for a terminal, nothing if quiet."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from math import nan

import pytest
from medley_training.rounds.events import Event, RoundStarted
from medley_training.rounds.progress import Pace, rounds_progress
from rich.console import Console

from tests.unit.training.reports.run_folders import (
    SITES,
    contributed,
    events_of_run,
    failed,
    refused,
    run_started,
    step,
)

_BEGAN = datetime(2026, 11, 21, 8, tzinfo=UTC)


def _shown(events: list[Event], *, is_terminal: bool, height: int = 40) -> str:
    file = StringIO()
    console = Console(
        file=file, force_terminal=is_terminal, width=100, height=height, color_system=None
    )
    with rounds_progress(console=console) as observe:
        for event in events:
            observe(event)
    return file.getvalue()


def _last_frame(shown: str) -> list[str]:
    frame = re.split(r"(?:\x1b\[1A\x1b\[2K)+", shown)[-1]
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", frame).strip().splitlines()


def test_without_a_terminal_what_matters_is_a_line_each() -> None:
    lines = _shown(events_of_run(rounds=1), is_terminal=False).splitlines()

    started = (
        "run run-1 starts: smoke, stacking, 3 sites, 1 round, "
        "1,000 trained parameters beside 1 M of tiny"
    )
    assert lines == [
        started,
        "start: held-out loss 0.51, token accuracy 0.51",
        "round 1: asks east, north, west",
        *(
            f"round 1: {site} contributed, loss 2.500 → 1.500, 200 tokens/s, 4 kB up"
            for site in SITES
        ),
        "round 1: 3 contributions aggregated in 0.2 s, rank 2, 5 kB",
        "round 1: held-out loss 0.343, token accuracy 0.343",
        f"round 1: published tiny-lora:1, sha256:{'d' * 64}",
        f"finished in 9.0 s: tiny-lora:1, sha256:{'c' * 64}",
    ]


def test_a_refusal_is_told_with_its_reason_once_and_is_inert() -> None:
    event = replace(refused(), detail="altered: \x1b[31m[red]not\nsigned")

    lines = _shown([event], is_terminal=False).splitlines()

    assert lines == ["round 1: east refused, altered: �[31m[red]not�signed"]


def test_a_terminal_gets_a_bar_for_the_rounds_and_one_for_each_site() -> None:
    shown = _shown(
        [
            run_started(),
            RoundStarted(round=1, sites=SITES),
            step("north", number=1),
            step("west", number=2),
            contributed("west"),
            refused("east"),
        ],
        is_terminal=True,
    )

    rounds, east, north, west = _last_frame(shown)
    assert re.search(r"^rounds .* 0/2 +round 1: training", rounds)
    assert re.search(r"^east .* 0/\? +refused: altered$", east.rstrip())
    assert re.search(r"^north .* 1/4 +training, loss \d\.\d{3}, 200 tokens/s$", north.rstrip())
    assert re.search(r"^west .* 4/4 +contributed, loss 1\.500$", west.rstrip())
    assert "round 1: east refused, altered" in shown


def test_a_site_that_keeps_its_losses_is_shown_without_any() -> None:
    events: list[Event] = [
        run_started(),
        RoundStarted(round=1, sites=SITES),
        replace(step("north"), loss=nan),
        replace(contributed("west", epsilon=1.5), loss_first=None, loss_last=None),
    ]

    _, _, north, west = _last_frame(_shown(events, is_terminal=True))
    lines = _shown(events, is_terminal=False).splitlines()

    assert re.search(r"^north .* 1/4 +training, 200 tokens/s$", north.rstrip())
    assert re.search(r"^west .* contributed$", west.rstrip())
    assert lines[-1] == "round 1: west contributed, ε 1.5 so far, 200 tokens/s, 4 kB up"


def test_a_site_that_failed_or_is_not_asked_is_shown_so() -> None:
    shown = _shown(
        [
            run_started(),
            RoundStarted(round=1, sites=SITES),
            RoundStarted(round=2, sites=("north", "west")),
            failed("west", round_=2),
        ],
        is_terminal=True,
    )

    rounds, north, west = _last_frame(shown)
    assert "1/2" in rounds
    assert "waiting" in north
    assert west.rstrip().endswith("failed")


def test_a_finished_run_is_shown_whole() -> None:
    frame = _last_frame(_shown(events_of_run(), is_terminal=True))

    assert re.search(r"2/2 +finished", frame[0])
    assert len(frame) == 1 + len(SITES)


def test_a_low_terminal_keeps_the_bar_of_the_rounds() -> None:
    sites = tuple(f"site-{number:02}" for number in range(12))
    events: list[Event] = [run_started(sites=sites), RoundStarted(round=1, sites=sites)]

    shown = _shown(events, is_terminal=True, height=8)

    assert "rounds" in shown


def test_quiet_shows_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with rounds_progress(quiet=True) as observe:
        for event in events_of_run():
            observe(event)

    assert capsys.readouterr() == ("", "")


def test_progress_goes_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    with rounds_progress() as observe:
        observe(failed())

    assert capsys.readouterr() == ("", "round 1: west failed: no answer in 30 s\n")


def test_the_time_left_follows_the_share_of_rounds_that_is_done() -> None:
    pace = Pace()
    pace.observe(run_started(rounds=4, at=_BEGAN))
    assert pace.left_s(_BEGAN) is None

    pace.observe(RoundStarted(round=1, sites=("north", "west")))
    assert pace.left_s(_BEGAN + timedelta(seconds=5)) is None

    pace.observe(contributed("west"))
    assert pace.left_s(_BEGAN + timedelta(seconds=10)) == pytest.approx(70)

    pace.observe(RoundStarted(round=2, sites=("north", "west")))
    assert pace.left_s(_BEGAN + timedelta(seconds=20)) == pytest.approx(60)


def test_a_run_that_goes_on_counts_only_the_rounds_that_it_still_does() -> None:
    pace = Pace()
    pace.observe(run_started(rounds=10, at=_BEGAN))
    pace.observe(RoundStarted(round=9, sites=("north",)))
    pace.observe(step("north", round_=9, number=2, of=4))

    assert pace.left_s(_BEGAN + timedelta(seconds=10)) == pytest.approx(30)
