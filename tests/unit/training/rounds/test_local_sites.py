"""Sites of one machine: in this process, and side by side in processes that may die."""

import multiprocessing
from collections.abc import Iterator
from contextlib import suppress

import pytest
from medley_training.rounds.events import Event, SiteStarted
from medley_training.rounds.local_sites import LocalSites
from medley_training.rounds.pooled_sites import PooledSites
from medley_training.rounds.transport import Failure, Request, Response, Sites

from tests.unit.training.rounds.workers import Building, asking

NAMES = ("east", "keyless", "north", "south")
Answers = dict[str, Response | Failure]


@pytest.fixture
def events() -> list[Event]:
    return []


@pytest.fixture
def local(events: list[Event]) -> LocalSites:
    return LocalSites(NAMES, Building(), events.append)


@pytest.fixture
def pooled(events: list[Event]) -> Iterator[PooledSites]:
    with PooledSites(NAMES, Building(), events.append, workers=2) as sites:
        yield sites
    assert multiprocessing.active_children() == []


def ask(sites: Sites, requests: dict[str, Request], deadline_s: float | None = None) -> Answers:
    answers = list(sites.ask(requests, deadline_s=deadline_s))
    assert len(dict(answers)) == len(answers)
    return dict(answers)


def bodies(answers: Answers) -> dict[str, str]:
    """What the sites said, without how often that process was asked."""
    return {
        name: answer.body.rpartition(" ")[0]
        for name, answer in answers.items()
        if isinstance(answer, Response)
    }


def test_several_processes_answer_as_one_does(
    local: LocalSites, pooled: PooledSites, events: list[Event]
) -> None:
    requests = asking(east="echo", keyless="echo", north="refuse", south="bad-example")

    alone = ask(local, requests)
    started = [(e.site, e.round) for e in events if isinstance(e, SiteStarted)]
    events.clear()

    assert ask(pooled, requests) == alone
    assert alone == {
        "east": Response("east echo 1", b"tsae" * 100_000),
        "keyless": Failure("no key at key.pem"),
        "north": Failure("the question is not signed"),
        "south": Failure("gone.jsonl:3: no chat"),
    }
    assert sorted((e.site, e.round) for e in events if isinstance(e, SiteStarted)) == started
    assert pooled.names == local.names == NAMES


def test_one_after_another_who_is_not_reached_in_time_is_missing(local: LocalSites) -> None:
    answers = ask(local, asking(east="sleep:0.2", north="echo", south="echo"), deadline_s=0.1)

    assert isinstance(answers["east"], Response)
    assert answers["north"] == answers["south"] == Failure("its turn did not come within 0.1 s")


def test_side_by_side_who_is_not_ready_in_time_is_missing(
    pooled: PooledSites, events: list[Event]
) -> None:
    ask(pooled, asking(east="echo", north="echo"))  # both processes are there
    slow = asking(east="sleep:0.8", north="sleep:0.8", south="echo")

    answers = ask(pooled, slow, deadline_s=0.2)
    events.clear()
    later = ask(pooled, asking(east="echo", south="echo"))

    assert answers == dict.fromkeys(("east", "north", "south"), Failure("no answer within 0.2 s"))
    assert bodies(later) == {"east": "east echo", "south": "south echo"}


def test_an_answer_that_comes_late_is_not_taken_for_the_next(pooled: PooledSites) -> None:
    late = asking(east="sleep:0.5", north="sleep:0.5")
    ask(pooled, asking(east="echo", north="echo"))

    ask(pooled, late, deadline_s=0.1)

    assert bodies(ask(pooled, asking(north="echo"))) == {"north": "north echo"}


def test_a_caller_that_has_enough_leaves_the_others_unanswered(pooled: PooledSites) -> None:
    requests = asking(east="echo", north="sleep:0.5", south="sleep:0.5")

    name, answer = next(iter(pooled.ask(requests, deadline_s=None)))

    assert (name, type(answer)) == ("east", Response)
    assert set(ask(pooled, asking(east="echo", north="echo"))) == {"east", "north"}


def test_a_process_that_dies_costs_one_answer(pooled: PooledSites) -> None:
    answers = ask(pooled, asking(east="killed", north="sleep:0.5", south="exit:3"))

    assert answers["east"] == Failure("its process ended with exit code -9")
    assert answers["south"] == Failure("its process ended with exit code 3")
    assert isinstance(answers["north"], Response)
    again = ask(pooled, asking(east="echo", north="echo", south="echo"))
    assert {type(answer) for answer in again.values()} == {Response}


def test_a_process_that_died_while_nobody_asked_is_replaced(pooled: PooledSites) -> None:
    ask(pooled, asking(east="echo", north="echo"))
    for process in multiprocessing.active_children():
        process.kill()
        process.join()

    answers = ask(pooled, asking(east="echo", north="echo"))

    assert {type(answer) for answer in answers.values()} == {Response}


def test_an_error_that_nobody_foresaw_is_one_sites_alone(
    pooled: PooledSites, capfd: pytest.CaptureFixture[str]
) -> None:
    answers = ask(pooled, asking(east="bug", north="echo"))

    assert answers["east"] == Failure("ZeroDivisionError: division by zero")
    assert isinstance(answers["north"], Response)
    assert "Traceback" in capfd.readouterr().err


def test_no_process_outlives_a_run_that_was_broken_off(events: list[Event]) -> None:
    with (
        suppress(KeyboardInterrupt),
        PooledSites(NAMES, Building(), events.append, workers=2) as sites,
    ):
        for _ in sites.ask(asking(east="echo", north="sleep:600"), deadline_s=None):
            raise KeyboardInterrupt

    assert multiprocessing.active_children() == []
