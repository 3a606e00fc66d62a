import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from medley_training.errors import RecipeError
from medley_training.strategies import Report, weights

SIZES = (4520, 2521, 2959)
# The three rounds that FED-MED's repository has figures of (vasujunior7/MedFed-AgenticLLM,
# output-models/federated-final/metrics/round_1.json and round_2.json, with first losses; and
# output-models/federated/metrics/training_history.json, round 3, without them).
ROUNDS = {
    1: (
        (14.22936725616455, 10.79354190826416, 11.341456413269043),
        (0.43795543909072876, 0.3785872757434845, 0.0355522558093071),
        (0.18163117099879583, 0.18883921266147108, 0.629529616339733),
    ),
    2: (
        (0.3082030415534973, 0.18665865063667297, 0.2585465610027313),
        (0.12759624421596527, 0.041954539716243744, 0.04706522449851036),
        (0.28810534585556774, 0.3553065160995289, 0.3565881380449034),
    ),
    # First losses: C's 14.3 is published apart, B's 0.9 is assumed and A's solved for its weight.
    3: (
        (0.66220, 0.9, 14.3),
        (0.3217, 0.0416, 0.2043),
        (0.22749300110628418, 0.547337977497757, 0.22516902139595882),
    ),
}


def _reports(first: tuple[float, ...], last: tuple[float, ...]) -> list[Report]:
    return [
        Report(participant=name, num_examples=size, loss_first=a, loss_last=b)
        for name, size, a, b in zip("abc", SIZES, first, last, strict=True)
    ]


@pytest.mark.parametrize("round_number", [1, 2, 3])
def test_the_agentic_weights_are_the_published_ones(round_number: int) -> None:
    first, last, published = ROUNDS[round_number]

    found = weights("agentic", _reports(first, last))

    # Round 3's final losses are published with four digits.
    tolerance = 1e-12 if round_number < 3 else 5e-5
    assert list(found.values()) == pytest.approx(published, abs=tolerance)


def test_the_published_gain_is_a_mean_of_training_losses_that_favours_low_ones() -> None:
    first, last, _ = ROUNDS[3]
    found = weights("agentic", _reports(first, last)).values()

    by_agent = sum(w * loss for w, loss in zip(found, last, strict=True))

    assert by_agent == pytest.approx(0.1420, abs=1e-4)
    assert sum(last) / 3 == pytest.approx(0.1892, abs=1e-4)
    assert 1 - by_agent / (sum(last) / 3) == pytest.approx(0.25, abs=0.005)


def test_agentic_halves_the_steadiness_past_a_deviation_of_five() -> None:
    far = [
        Report(participant=n, num_examples=1, loss_first=1 + drop, loss_last=1.0)
        for n, drop in (("a", 11.0), ("b", 0.0), ("c", 0.0), ("d", -11.0))
    ]

    found = weights("agentic", far)

    # a and d deviate by 11, the widest: steadiness 0. b and c by 0: steadiness 1.
    scores = {"a": 0.6, "b": 1.0, "c": 1.0, "d": 0.6}
    amounts = {name: 0.7 * score + 0.3 / 4 for name, score in scores.items()}
    assert found == pytest.approx({n: a / sum(amounts.values()) for n, a in amounts.items()})
    # Here b deviates by 5.25 of at most 8.25: (1 - 5.25 / 8.25) / 2.
    drops = {"a": 11.0, "b": -2.5, "c": 0.0, "d": 2.5}
    uneven = [
        Report(participant=n, num_examples=1, loss_first=1 + drop, loss_last=1.0)
        for n, drop in drops.items()
    ]
    mean = sum(drops.values()) / 4
    steadiness = {n: 1 - abs(drop - mean) / 8.25 for n, drop in drops.items()}
    steadiness["b"] /= 2
    amounts = {n: 0.7 * (0.6 + 0.4 * steadiness[n]) + 0.3 / 4 for n in drops}
    assert weights("agentic", uneven) == pytest.approx(
        {n: a / sum(amounts.values()) for n, a in amounts.items()}
    )


REPORTS = st.lists(
    st.builds(
        Report,
        participant=st.uuids().map(str),
        num_examples=st.integers(1, 10**5),
        loss_first=st.floats(0, 15),
        loss_last=st.floats(0, 15),
        utility=st.floats(-2, 2),
    ),
    min_size=1,
    max_size=8,
    unique_by=lambda report: report.participant,
)


@given(reports=REPORTS, data=st.data())
@pytest.mark.parametrize("rule", ["equal", "samples", "agentic", "utility"])
def test_weights_sum_to_one_and_do_not_depend_on_the_order(
    rule: str, reports: list[Report], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(reports))

    found = weights(rule, reports)

    assert math.fsum(found.values()) == pytest.approx(1)
    assert min(found.values()) >= 0
    assert found == weights(rule, shuffled)


def test_samples_weigh_by_examples() -> None:
    found = weights("samples", _reports((1, 1, 1), (1, 1, 1)))

    assert found == pytest.approx({"a": 0.452, "b": 0.2521, "c": 0.2959})


def test_utility_weighs_gain_by_examples_and_drops_who_gains_nothing() -> None:
    reports = [
        Report(participant="a", num_examples=10, utility=0.3),
        Report(participant="b", num_examples=30, utility=0.1),
        Report(participant="c", num_examples=1000, utility=-0.2),
    ]

    assert weights("utility", reports) == pytest.approx({"a": 0.5, "b": 0.5, "c": 0.0})


def test_where_nobody_gains_the_examples_decide() -> None:
    reports = [
        Report(participant=name, num_examples=size, utility=-0.1)
        for name, size in (("a", 1), ("b", 3))
    ]

    assert weights("utility", reports) == {"a": 0.25, "b": 0.75}


@pytest.mark.parametrize(
    ("rule", "missing"), [("utility", "its utility"), ("agentic", "its last loss")]
)
def test_a_report_without_what_its_rule_needs_is_refused(rule: str, missing: str) -> None:
    with pytest.raises(RecipeError, match=f"a came without {missing}"):
        weights(rule, [Report(participant="a", num_examples=1)])


def test_an_unknown_rule_is_refused_with_those_there_are() -> None:
    with pytest.raises(RecipeError, match="agentic, equal, samples, utility"):
        weights("fair", [])


@pytest.mark.parametrize("rule", ["equal", "samples"])
def test_nobody_has_no_weights(rule: str) -> None:
    with pytest.raises(RecipeError, match="cannot be told"):
        weights(rule, [])
