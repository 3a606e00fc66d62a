"""Percentiles and intervals, against numbers worked out by hand."""

import pytest
from medley_training.benchmarks.spread import interval, median, spread


def test_percentiles_are_interpolated() -> None:
    found = spread([1.0, 2.0, 3.0, 4.0, 5.0])

    assert found == pytest.approx(
        {"min": 1, "mean": 3, "p50": 3, "p95": 4.8, "p99": 4.96, "max": 5}
    )


def test_nothing_has_no_percentiles() -> None:
    assert spread([]) == {}


def test_three_repeats_have_students_interval_of_their_medians() -> None:
    """Medians 10, 12, 14: mean 12, standard error 2/sqrt(3), t(2) = 4.303."""
    low, high = interval([[9, 10, 99], [12], [13, 14, 15]], figure=median, seed=0) or (0, 0)

    assert (low + high) / 2 == pytest.approx(12)
    assert high - low == pytest.approx(2 * 4.303 * 2 / 3**0.5)


def test_a_single_repeat_has_the_bootstraps_interval() -> None:
    values = [float(value) for value in range(1, 100)]

    low, high = interval([values], figure=median, seed=0) or (0, 0)

    assert 30 < low < 50 < high < 70
    assert (low, high) == interval([values], figure=median, seed=0)


def test_one_value_has_no_interval() -> None:
    assert interval([[3.0]], figure=median, seed=0) is None
    assert interval([[], []], figure=median, seed=0) is None
