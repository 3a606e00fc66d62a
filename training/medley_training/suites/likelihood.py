"""The log-probability of each option of a question, asked of a server.

There are two ways, with the same result. *Whole*: every option with its prompt is one prompt, and
the server gives the log-probability of each of its tokens. vLLM reads nothing from its prefix cache
for that (`SamplingParams.skip_reading_prefix_cache`) and puts every token through the output layer.
*Stepwise*: for each different beginning of the options, the server is asked once for the
log-probabilities of the tokens that follow it in some option; the prompt comes from the cache. It
is cheaper for short options behind a long prompt, such as yes, no and maybe behind an abstract.
"""

from collections.abc import Sequence
from typing import Any

from medley_training.errors import NotMeasured
from medley_training.evaluation.choices import ChoiceQuestion
from medley_training.suites.endpoint import Endpoint
from medley_training.suites.evaluated import EvaluatedModel

Beginning = tuple[int, ...]

_UNCACHED = 64
"""Tokens of a cached prompt that are computed again, on average: half a block on CPU."""
_OUTPUT_LAYER = 1.25
"""What a token costs that goes through the output layer too."""


async def option_log_likelihoods(
    endpoint: Endpoint, model: EvaluatedModel, question: ChoiceQuestion
) -> list[float]:
    """The log-probability, in nats, of each option's whole completion.

    Raises:
        NotMeasured: The server did not give them.
    """
    following = following_tokens(question.options)
    if is_stepwise_cheaper(question, len(following)):
        return await _stepwise(endpoint, model, question, following)
    return await _whole(endpoint, model, question)


def is_stepwise_cheaper(question: ChoiceQuestion, num_beginnings: int) -> bool:
    """Whether asking for each beginning costs the server less than reading each option whole."""
    num_prompt = len(question.prompt)
    stepwise = num_prompt + (num_beginnings - 1) * min(_UNCACHED, num_prompt)
    whole = sum(num_prompt + len(option) for option in question.options)
    return stepwise < whole * _OUTPUT_LAYER


def following_tokens(options: Sequence[Beginning]) -> dict[Beginning, list[int]]:
    """For each different beginning of the options, the tokens that follow it in any of them."""
    found: dict[Beginning, set[int]] = {}
    for option in options:
        for place, token in enumerate(option):
            found.setdefault(option[:place], set()).add(token)
    return {beginning: sorted(tokens) for beginning, tokens in found.items()}


async def _whole(
    endpoint: Endpoint, model: EvaluatedModel, question: ChoiceQuestion
) -> list[float]:
    prompts = [question.prompt + option for option in question.options]
    choices = await endpoint.completions(model, prompts, prompt_logprobs=0)
    return [
        _sum_of_last(choice, option)
        for choice, option in zip(choices, question.options, strict=True)
    ]


def _sum_of_last(choice: dict[str, Any], option: Beginning) -> float:
    try:
        last = choice["prompt_logprobs"][-len(option) :]
        found = (at[str(token)] for at, token in zip(last, option, strict=True))
        return sum(float(each["logprob"]) for each in found)
    except (KeyError, TypeError, ValueError) as error:
        raise NotMeasured(f"a completion without its prompt's log-probs: {error!r}") from error


async def _stepwise(
    endpoint: Endpoint,
    model: EvaluatedModel,
    question: ChoiceQuestion,
    following: dict[Beginning, list[int]],
) -> list[float]:
    # The first puts the prompt into the cache, from which the others read it.
    found = await _next(endpoint, model, question, {(): following[()]})
    if later := {each: tokens for each, tokens in following.items() if each}:
        found |= await _next(endpoint, model, question, later)
    return [
        sum(found[option[:place]][token] for place, token in enumerate(option))
        for option in question.options
    ]


async def _next(
    endpoint: Endpoint,
    model: EvaluatedModel,
    question: ChoiceQuestion,
    following: dict[Beginning, list[int]],
) -> dict[Beginning, dict[int, float]]:
    """The log-probabilities of the tokens that follow each of these beginnings."""
    choices = await endpoint.completions(
        model,
        [question.prompt + beginning for beginning in following],
        logprobs=1,
        logprob_token_ids=sorted(set().union(*following.values())),
        return_tokens_as_token_ids=True,
    )
    return {
        beginning: _log_probabilities(choice, tokens)
        for choice, (beginning, tokens) in zip(choices, following.items(), strict=True)
    }


def _log_probabilities(choice: dict[str, Any], tokens: Sequence[int]) -> dict[int, float]:
    try:
        [found] = choice["logprobs"]["top_logprobs"]
        return {token: float(found[f"token_id:{token}"]) for token in tokens}
    except (KeyError, TypeError, ValueError) as error:
        raise NotMeasured(f"a completion without the log-probs asked for: {error!r}") from error
