"""The load as a server sees it, and the answers as they are written down."""

from collections import Counter
from collections.abc import Iterator

import pytest
from medley_training.benchmarks.client import ask_all, questions
from medley_training.benchmarks.load import Load, LoadKind

from tests.unit.training.benchmarks.fake_server import FakeServer, fake_server

LOAD = Load(concurrency=2, input_tokens=3, output_tokens=5, requests=4)
PROMPTS = [[n, n + 1, n + 2] for n in range(4)]


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with fake_server() as fake:
        yield fake


def test_every_request_asks_for_exactly_so_many_tokens_and_says_so_token_by_token(
    server: FakeServer,
) -> None:
    answers, wall_s = ask_all(server.url, LOAD, questions(LOAD, PROMPTS, ["m"], 0))

    assert sorted(body["prompt"] for body in server.asked) == PROMPTS
    assert {(body["max_tokens"], body["min_tokens"]) for body in server.asked} == {(5, 5)}
    assert all(body["ignore_eos"] and body["temperature"] == 0 for body in server.asked)
    assert [len(answer.token_times_s) for answer in answers] == [5] * 4
    assert all(answer.error is None for answer in answers)
    assert all(0 <= answer.sent_s <= answer.token_times_s[0] <= wall_s for answer in answers)


def test_tokens_that_come_in_one_event_are_counted_one_by_one(server: FakeServer) -> None:
    server.in_one_event = 3

    answers, _ = ask_all(server.url, LOAD, questions(LOAD, PROMPTS, ["m"], 0))

    assert [len(answer.token_times_s) for answer in answers] == [5] * 4
    assert all(list(answer.token_times_s) == sorted(answer.token_times_s) for answer in answers)


def test_an_answer_that_ends_early_is_an_error(server: FakeServer) -> None:
    server.short = 1

    answers, _ = ask_all(server.url, LOAD, questions(LOAD, PROMPTS, ["m"], 0))

    assert {answer.error for answer in answers} == {"4 tokens came, not 5"}


def test_refused_requests_are_counted_and_not_dropped(server: FakeServer) -> None:
    server.status = 429

    answers, _ = ask_all(server.url, LOAD, questions(LOAD, PROMPTS, ["m"], 0))

    assert len(answers) == 4
    assert all("HTTP 429" in str(answer.error) for answer in answers)


def test_a_server_that_is_gone_is_an_error_of_each_request() -> None:
    answers, _ = ask_all("http://127.0.0.1:9", LOAD, questions(LOAD, PROMPTS, ["m"], 0))

    assert all("ConnectError" in str(answer.error) for answer in answers)


def test_an_open_load_counts_from_when_a_request_was_due(server: FakeServer) -> None:
    load = Load(
        kind=LoadKind.OPEN, rate_per_s=200, input_tokens=3, output_tokens=5, requests=4, seed=1
    )

    answers, _ = ask_all(server.url, load, questions(load, PROMPTS, ["m"], 0))

    assert [answer.due_s for answer in answers] == load.due_s(0)
    assert all(answer.sent_s >= answer.due_s for answer in answers)
    assert all(answer.latency_ms >= answer.ttft_ms > 0 for answer in answers)


def test_versions_get_as_many_requests_as_each_other_and_the_same_ones_again() -> None:
    load = Load(concurrency=2, requests=10)
    prompts = [[1]] * 10

    asked = [question.model for question in questions(load, prompts, ["a", "b", "c", "d"], 0)]

    assert max(Counter(asked).values()) - min(Counter(asked).values()) <= 1
    assert asked == [each.model for each in questions(load, prompts, ["a", "b", "c", "d"], 0)]
