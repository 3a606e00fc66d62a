import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from medley_training.evaluation.fairness import Fairness, fairness
from medley_training.evaluation.plan import EvaluationPlan
from medley_training.evaluation.scores import NO_SCORES, Scores, Tally
from pydantic import ValidationError

_TALLIES = st.builds(
    Tally, st.integers(-1000, 1000).map(lambda n: n / 8), st.integers(0, 1000).map(float)
)
SCORES = st.builds(
    Scores, st.dictionaries(st.sampled_from(["loss", "field_f1", "choice_accuracy"]), _TALLIES)
)


@given(SCORES, SCORES, SCORES)
def test_pooling_is_the_same_in_any_order(one: Scores, two: Scores, three: Scores) -> None:
    assert one + two == two + one
    assert (one + two) + three == one + (two + three)
    assert one + NO_SCORES == one


@given(SCORES)
def test_scores_are_read_back_as_they_were_written(scores: Scores) -> None:
    assert Scores.from_json(json.loads(json.dumps(scores.to_json()))) == scores


def test_a_pooled_metric_weighs_every_example_alike() -> None:
    small = Scores({"loss": Tally(4.0, 1)})
    large = Scores({"loss": Tally(9.0, 9), "choice_accuracy": Tally(1, 2)})

    assert (small + large).metrics() == {"choice_accuracy": 0.5, "loss": 1.3}


def test_a_metric_that_nothing_was_counted_for_has_no_value() -> None:
    assert Scores({"loss": Tally(0.0, 0)}).metrics() == {}


@pytest.mark.parametrize(
    "value",
    [
        [],
        None,
        {"loss": 1},
        {"loss": [1]},
        {"loss": [1, "2"]},
        {"loss": [True, 1]},
        {"loss": [float("nan"), 1]},
        {"loss": [1, -1]},
        {"loss": [1, float("inf")]},
    ],
)
def test_a_value_that_is_no_scores_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"."):
        Scores.from_json(value)


def test_tallies_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        Scores({}).tallies["loss"] = Tally(1, 1)  # type: ignore[index]


def test_fairness_of_known_values() -> None:
    found = Fairness.of([0.5, 0.25, 1.0])

    assert found == Fairness(mean=1.75 / 3, minimum=0.25, harmonic_mean=3 / 7, gap=0.75)


@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=9))
def test_the_harmonic_mean_lies_between_the_minimum_and_the_mean(values: list[float]) -> None:
    found = Fairness.of(values)

    assert found.minimum <= found.harmonic_mean * (1 + 1e-9)
    assert found.harmonic_mean <= found.mean * (1 + 1e-9)


def test_a_site_that_is_served_nothing_makes_the_harmonic_mean_nothing() -> None:
    assert Fairness.of([0.0, 0.9, 0.9]).harmonic_mean == 0


@pytest.mark.parametrize("values", [[], [0.5, -0.1]])
def test_values_without_a_fairness_are_refused(values: list[float]) -> None:
    with pytest.raises(ValueError, match="one per site"):
        Fairness.of(values)


def test_only_metrics_that_every_site_has_are_compared() -> None:
    sites = {
        "north": Scores({"loss": Tally(2, 1), "field_f1": Tally(1, 2)}),
        "south": Scores({"loss": Tally(1, 1)}),
    }

    assert fairness(sites) == {"loss": Fairness.of([2, 1])}
    assert fairness({}) == {}


@pytest.mark.parametrize(
    "wrong",
    [
        {"tasks": []},
        {"tasks": ["loss", "loss"]},
        {"tasks": ["perplexity"]},
        {"max_examples": 0},
        {"max_new_tokens": 0},
        {"beams": 4},
    ],
)
def test_a_plan_that_cannot_be_carried_out_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        EvaluationPlan.model_validate(wrong)
