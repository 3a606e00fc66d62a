import pytest
from medley_training.evaluation.choices import ChoiceQuestion
from medley_training.suites.evaluated import EvaluatedModel
from medley_training.suites.likelihood import (
    following_tokens,
    is_stepwise_cheaper,
    option_log_likelihoods,
)

from tests.unit.training.suites.fake_server import FakeServer, of_option

SHORT = ((5, 2), (6, 2), (7, 8, 2))
"""Three options of few tokens, as yes, no and maybe."""
LONG = tuple(tuple(range(start, start + 12)) for start in (20, 40, 60, 80))


@pytest.mark.parametrize(
    ("prompt", "options", "way"),
    [
        (tuple(range(300)), SHORT, "stepwise"),
        (tuple(range(90)), LONG, "whole"),
        ((4,), ((1,), (2,)), "stepwise"),
        ((4, 9), ((1, 2, 3), (1, 2), (1, 5)), "stepwise"),
    ],
)
async def test_an_options_score_is_the_sum_over_its_tokens(
    server: FakeServer,
    model: EvaluatedModel,
    prompt: tuple[int, ...],
    options: tuple[tuple[int, ...], ...],
    way: str,
) -> None:
    question = ChoiceQuestion(prompt, options, 0)

    async with server.endpoint() as endpoint:
        found = await option_log_likelihoods(endpoint, model, question)

    assert found == pytest.approx([of_option(prompt, option) for option in options])
    assert {each for each in ("whole", "stepwise") if server.asked[each]} == {way}


async def test_a_question_takes_at_most_two_requests(
    server: FakeServer, model: EvaluatedModel
) -> None:
    question = ChoiceQuestion(tuple(range(300)), SHORT, 0)

    async with server.endpoint() as endpoint:
        await option_log_likelihoods(endpoint, model, question)

    assert server.asked["/v1/completions"] == 2


def test_each_beginning_is_asked_for_once() -> None:
    assert following_tokens([(1, 2, 3), (1, 2, 4), (1, 5)]) == {
        (): [1],
        (1,): [2, 5],
        (1, 2): [3, 4],
    }


def test_options_of_many_tokens_are_read_whole() -> None:
    question = ChoiceQuestion(tuple(range(90)), LONG, 0)

    assert not is_stepwise_cheaper(question, len(following_tokens(LONG)))
