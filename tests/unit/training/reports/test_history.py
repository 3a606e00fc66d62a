"""A run as its log tells it, also when it was stopped and told some things twice."""

from dataclasses import replace

from medley_training.amounts import count_text, counted, duration_text, size_text
from medley_training.reports.history import history
from medley_training.rounds.events import RoundStarted

from tests.unit.training.reports.run_folders import (
    SITES,
    contributed,
    evaluated,
    events_of_run,
    failed,
    refused,
    run_started,
    step,
)


def test_a_run_is_sorted_by_round() -> None:
    run = history(events_of_run(rounds=2))

    assert [each.number for each in run.rounds] == [1, 2]
    assert [each.round for each in run.evaluations] == [0, 1, 2]
    assert run.sites == SITES
    assert run.metrics == ("loss", "token_accuracy")
    assert [(each.round, each.step) for each in run.steps["north"]] == [
        (number, at) for number in (1, 2) for at in (1, 2, 3, 4)
    ]


def test_a_step_that_was_done_again_counts_once_with_its_last_loss() -> None:
    again = replace(step(), loss=9.0)

    run = history([step(number=1), step(number=2), again])

    assert [each.loss for each in run.steps["north"]] == [9.0, step(number=2).loss]


def test_a_site_that_comes_back_has_not_failed() -> None:
    answer = contributed("west")

    run = history([failed("west"), replace(run_started(), resumed=True), answer])

    assert run.started is not None
    assert run.started.resumed
    assert run.rounds[0].failed == {}
    assert run.rounds[0].contributed == {"west": answer}


def test_a_replay_that_is_refused_leaves_the_contribution_in_place() -> None:
    run = history([contributed("east"), refused("east"), refused("east")])

    assert [*run.rounds[0].contributed] == ["east"]
    assert len(run.rounds[0].refused) == 1


def test_all_that_went_over_the_wire_is_kept_beside_what_counts() -> None:
    run = history([contributed(bytes_up=1), contributed(bytes_up=2)])

    assert run.rounds[0].contributed["north"].bytes_up == 2
    assert [each.bytes_up for each in run.transfers] == [1, 2]


def test_sites_are_known_from_whatever_names_them() -> None:
    run = history(
        [RoundStarted(round=1, sites=("a",)), failed("b"), refused("c"), evaluated(1, sites=("d",))]
    )

    assert run.sites == ("a", "b", "c", "d")


def test_amounts_have_three_digits_and_a_unit() -> None:
    assert [size_text(size) for size in (0, 999, 999_600, 1_840_000, 2.5e12)] == [
        *("0 bytes", "999 bytes", "1 MB", "1.84 MB", "2.5 TB")
    ]
    assert [count_text(number) for number in (9_999, 134_515_008)] == ["9,999", "135 M"]
    assert [duration_text(seconds) for seconds in (0.41, 9.96, 58.4, 200, 7_500)] == [
        *("0.4 s", "10 s", "58 s", "3 min 20 s", "2 h 05 min")
    ]
    assert [counted(number, "site") for number in (1, 2)] == ["1 site", "2 sites"]
