"""A run's plots: those that there is data for, the same bytes for the same events."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from math import nan
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from medley_training.chart import bounded, darker, site_colours, spread
from medley_training.reports.plots import plot_run
from medley_training.rounds.events import Evaluated, Event

from tests.unit.training.reports.run_folders import contributed, events_of_run, run_started, step

_HEIGHTS = st.lists(st.floats(-2, 2), max_size=12)
_GAP = 0.05


def _names(paths: Sequence[Path]) -> list[str]:
    return [path.name for path in paths]


def test_the_same_events_give_the_same_bytes(tmp_path: Path) -> None:
    events: list[Event] = [run_started(), step(number=1), step(number=2)]

    first = plot_run(tmp_path / "a", events)
    second = plot_run(tmp_path / "b", events)

    assert _names(first) == ["training_loss.png", "training_loss.svg"]
    assert {path.parent for path in first} == {tmp_path / "a" / "plots"}
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


@pytest.mark.slow
def test_a_whole_run_has_every_plot_twice(tmp_path: Path) -> None:
    paths = plot_run(tmp_path, events_of_run(epsilon=0.5))

    assert _names(paths) == [
        f"{name}.{form}"
        for name in (
            *("training_loss", "held_out_loss", "token_accuracy"),
            *("fairness", "weights", "traffic", "epsilon"),
        )
        for form in ("png", "svg")
    ]
    assert all(path.read_bytes()[:4] == b"\x89PNG" for path in paths[::2])


@pytest.mark.parametrize(
    ("events", "names"),
    [
        ([], []),
        ([run_started()], []),
        ([run_started(), step()], ["training_loss"]),
        ([run_started(), contributed()], ["traffic"]),
        ([run_started(), replace(step(), loss=nan)], []),
    ],
)
def test_only_what_there_is_data_for_is_drawn(
    tmp_path: Path, events: list[Event], names: list[str]
) -> None:
    paths = plot_run(tmp_path, events)

    assert _names(paths) == [f"{name}.{form}" for name in names for form in ("png", "svg")]


@pytest.mark.slow
def test_one_site_and_one_round_are_enough(tmp_path: Path) -> None:
    events = events_of_run(sites=("only",), rounds=1, steps=1, metrics=("loss",))

    paths = plot_run(tmp_path, events)

    assert "held_out_loss.png" in _names(paths)
    assert "fairness.png" not in _names(paths)


@pytest.mark.slow
def test_twenty_sites_and_a_hundred_rounds_are_not_too_many(tmp_path: Path) -> None:
    sites = tuple(f"site-{number:02}" for number in range(20))

    paths = plot_run(tmp_path, events_of_run(sites=sites, rounds=100, steps=2))

    assert {path.stem for path in paths} >= {"training_loss", "held_out_loss", "weights", "traffic"}
    assert all(path.stat().st_size < 1_000_000 for path in paths)


@pytest.mark.slow
def test_a_metric_that_no_site_has_a_number_for_does_not_stop_the_rest(tmp_path: Path) -> None:
    events = events_of_run(metrics=("loss",))
    nothing = [
        replace(event, scores={}, pooled={"loss": nan}) if isinstance(event, Evaluated) else event
        for event in events
    ]

    paths = plot_run(tmp_path, nothing)

    assert {"held_out_loss.svg", "weights.svg"} <= {*_names(paths)}


def test_matplotlib_keeps_no_figure(tmp_path: Path) -> None:
    import matplotlib
    from matplotlib import pyplot

    before = dict(matplotlib.rcParams)

    plot_run(tmp_path, [run_started(), step()])

    assert pyplot.get_fignums() == []
    assert dict(matplotlib.rcParams) == before


@given(_HEIGHTS)
def test_labels_keep_their_order_and_their_distance(heights: list[float]) -> None:
    placed = spread(heights, gap=_GAP)

    in_order = [y for _, y in sorted(zip(heights, placed, strict=True), key=lambda pair: pair[0])]
    assert len(placed) == len(heights)
    assert all(after - before >= _GAP - 1e-9 for before, after in pairwise(sorted(in_order)))
    if len(set(heights)) == len(heights):
        assert in_order == sorted(in_order)


@given(_HEIGHTS)
def test_labels_that_are_far_apart_stay_where_they_are(heights: list[float]) -> None:
    apart = [round(height, 1) for height in heights]
    apart = sorted({*apart})

    assert spread(apart, gap=_GAP) == pytest.approx(apart)


@given(_HEIGHTS)
def test_labels_stay_beside_their_panel(heights: list[float]) -> None:
    placed = bounded(spread(heights, gap=_GAP), gap=_GAP)

    assert all(-1e-9 <= y <= 1 + 1e-9 for y in placed)
    assert all(after - before >= _GAP - 1e-9 for before, after in pairwise(sorted(placed)))


@given(st.from_regex(r"#[0-9A-F]{6}", fullmatch=True))
def test_words_in_any_colour_can_be_read_on_white(colour: str) -> None:
    red, green, blue = (int(darker(colour)[at : at + 2], 16) / 255 for at in (1, 3, 5))
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (red, green, blue)
    ]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    assert 1.05 / (luminance + 0.05) >= 4.5  # WCAG 2.2, 1.4.3


def test_few_sites_have_a_colour_each_and_many_have_none() -> None:
    assert len({*site_colours("abcdef").values()}) == 6
    assert site_colours("abcdefg") == {}
