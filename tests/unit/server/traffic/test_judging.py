from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from medley_registry import Alias, Bounds, Digest, Traffic, TrafficRule
from medley_registry.traffic import Steered, position
from medley_server.traffic.agreement import Agreement
from medley_server.traffic.asker import Asker
from medley_server.traffic.judging import broken, broken_errors
from medley_server.traffic.sides import Side
from medley_server.traffic.trial import Trial, Verdict
from medley_server.traffic.window import MOST_SEEN, Seen, Tally, Window, percentile_95

AT = datetime(2026, 11, 22, tzinfo=UTC)
FAILED, GOOD = Seen(is_failed=True), Seen(whole_s=1.0)


def tally(
    requests: int = 0,
    failed: int = 0,
    times: tuple[Sequence[float], Sequence[float]] = ((), ()),
    agreements: Sequence[float] = (),
) -> Tally:
    return Tally(requests, failed, times, agreements)


def test_nothing_is_judged_without_a_bound() -> None:
    assert broken(Bounds(), tally(1000, 1000, ([9.0] * 99, []), [0.0] * 99), tally()) is None


@pytest.mark.parametrize(
    ("requests", "failed", "is_broken"),
    [(10, 0, False), (100, 10, False), (100, 11, True), (5, 5, False), (6, 6, True), (50, 6, True)],
)
def test_errors_break_their_bound_as_soon_as_no_later_request_could_mend_it(
    requests: int, failed: int, is_broken: bool
) -> None:
    bounds = Bounds(max_error_rate=0.1, min_requests=50)

    assert (broken_errors(bounds, tally(requests, failed)) is not None) == is_broken


def test_a_bound_of_no_errors_is_broken_by_the_first() -> None:
    assert broken_errors(Bounds(max_error_rate=0.0), tally(1, 1)) is not None
    assert broken_errors(Bounds(max_error_rate=0.0), tally(1000, 0)) is None


@pytest.mark.parametrize("kind", [0, 1], ids=["streams", "wholes"])
def test_times_are_compared_with_those_of_the_target_in_the_same_window(kind: int) -> None:
    def took(*times: float) -> Tally:
        return tally(len(times), times=([], times) if kind else (times, []))

    bounds = Bounds(max_latency_ratio=1.5, min_requests=20)
    usual = took(*[1.0] * 20)

    assert broken(bounds, took(*[1.5] * 20), usual) is None
    assert broken(bounds, took(*[1.0] * 19, 9.0), usual) is None, "not the p95"
    assert "p95" in (broken(bounds, took(*[1.0] * 18, 1.6, 1.6), usual) or "")
    assert broken(bounds, took(*[9.0] * 19), usual) is None, "too few"
    assert broken(bounds, took(*[9.0] * 20), tally()) is None, "nothing beside it"


def test_disagreement_is_judged_when_there_is_enough_of_it() -> None:
    bounds = Bounds(min_agreement=0.9, min_requests=10)

    assert broken(bounds, tally(agreements=[0.5] * 9), tally()) is None
    assert broken(bounds, tally(agreements=[0.9] * 10), tally()) is None
    assert "0.500" in (broken(bounds, tally(agreements=[0.5] * 10), tally()) or "")


@given(st.lists(st.floats(0, 100), min_size=1, max_size=300))
def test_the_95th_percentile_is_the_least_that_95_of_100_do_not_exceed(times: list[float]) -> None:
    ordered = sorted(times)
    found = percentile_95(ordered)

    assert found in ordered
    assert sum(one <= found for one in ordered) >= 0.95 * len(ordered) - 1e-9
    assert sum(one < found for one in ordered) < 0.95 * len(ordered)


def test_a_window_forgets_what_is_older_and_what_is_too_much() -> None:
    now = 0.0
    window = Window(10, lambda: now)
    window.add(FAILED)
    now = 10.0
    window.add(GOOD)
    assert (window.tally().requests, window.tally().failed) == (2, 1)
    now = 10.1

    assert (window.tally().requests, window.tally().failed) == (1, 0)
    for _ in range(MOST_SEEN + 5):
        window.add(GOOD)
    assert window.tally().requests == MOST_SEEN


def steered(traffic: Traffic, *, promoted_at: datetime | None = None) -> Steered:
    alias = Alias("note", "production", 1, Digest.of(b"1"), 3, AT)
    return Steered(
        alias, TrafficRule("note", "production", 7, 3, traffic, "", "eve", AT), promoted_at
    )


CANARY = Traffic(canary=2, weight=20, bounds=Bounds(max_error_rate=0.1, min_requests=10))


def test_a_broken_bound_is_told_once_and_the_version_gets_nothing_more() -> None:
    trial = Trial(steered(CANARY), lambda: 0.0)
    users = [Asker("note", "/v1/completions", "key", user=f"u{n}") for n in range(100)]
    assert any(map(trial.draws_canary, users))

    verdicts = [trial.account(Side.CANARY, FAILED, AT) for _ in range(20)]

    (verdict,) = [one for one in verdicts if one]
    assert (verdict.key, verdict.number, verdict.expected) == (("note", "production"), 2, 7)
    assert "2 of 2 requests failed" in verdict.reason
    assert not any(map(trial.draws_canary, users))


def test_the_targets_own_errors_take_nothing_from_the_canary() -> None:
    trial = Trial(steered(CANARY), lambda: 0.0)

    assert [trial.account(Side.STABLE, FAILED, AT) for _ in range(50)] == [None] * 50
    assert trial.account(Side.CANARY, GOOD, AT) is None


def test_a_shadow_that_disagrees_is_taken_off_and_not_the_canary() -> None:
    both = Traffic(
        canary=2, weight=20, shadow=3, share=100, bounds=Bounds(min_agreement=0.9, min_requests=3)
    )
    trial = Trial(steered(both), lambda: 0.0)
    differs = Seen(agreement=Agreement(False, 0.5))

    verdicts = [trial.account(Side.SHADOW, differs, AT) for _ in range(3)]

    assert verdicts[-1] is not None
    assert verdicts[-1].number == 3
    assert not trial.draws_shadow(Asker("note", "/v1/completions", "key"))
    assert trial.tried == [2, 3]


def test_a_promotion_is_rolled_back_by_errors_while_it_is_watched() -> None:
    watching = Traffic(bounds=Bounds(max_error_rate=0.1, min_requests=10, watch_s=60))
    trial = Trial(steered(watching, promoted_at=AT), lambda: 0.0)

    early = [trial.account(Side.STABLE, FAILED, AT + timedelta(seconds=59)) for _ in range(5)]

    assert [one for one in early if one] == [
        Verdict(("note", "production"), None, 3, "2 of 2 requests failed; 0.1 may")
    ]


@pytest.mark.parametrize("promoted_at", [None, AT - timedelta(seconds=61)])
def test_what_was_not_promoted_just_now_is_not_rolled_back(promoted_at: datetime | None) -> None:
    watching = Traffic(bounds=Bounds(max_error_rate=0.1, min_requests=10, watch_s=60))
    trial = Trial(steered(watching, promoted_at=promoted_at), lambda: 0.0)

    assert [trial.account(Side.STABLE, FAILED, AT) for _ in range(50)] == [None] * 50


@given(
    st.lists(st.text(max_size=12), min_size=1, max_size=60, unique=True),
    st.floats(0, 100),
    st.floats(0, 100),
)
def test_a_higher_weight_moves_users_only_towards_the_canary(
    users: list[str], one: float, other: float
) -> None:
    askers = [Asker("note", "/v1/completions", "key", user=user) for user in users]
    low, high = sorted((one, other))

    on = [
        {asker.user for asker in askers if Trial(steered(rule), lambda: 0.0).draws_canary(asker)}
        for rule in (Traffic(canary=2, weight=low), Traffic(canary=2, weight=high))
    ]

    assert on[0] <= on[1]


@given(st.text(max_size=12), st.sampled_from([0, 100]))
def test_no_user_is_on_a_canary_of_weight_0_and_everybody_on_one_of_100(
    user: str, weight: int
) -> None:
    trial = Trial(steered(Traffic(canary=2, weight=weight)), lambda: 0.0)

    assert trial.draws_canary(Asker("note", "/v1/completions", "k", user=user)) == (weight == 100)


class JudgeMachine(RuleBasedStateMachine):
    """The judge against a model that keeps everything and counts anew each time."""

    @initialize(
        rate=st.sampled_from([0.0, 0.1, 0.5]),
        least=st.integers(1, 12),
        window_s=st.integers(1, 30),
    )
    def set_rule(self, rate: float, least: int, window_s: int) -> None:
        self.bounds = Bounds(max_error_rate=rate, min_requests=least, window_s=window_s)
        self.now = 0.0
        traffic = Traffic(canary=2, weight=50, bounds=self.bounds)
        self.trial = Trial(steered(traffic), lambda: self.now)
        self.canary: list[tuple[float, bool]] = []
        self.is_halted = False

    @rule(seconds=st.integers(0, 20))
    def wait(self, seconds: int) -> None:
        self.now += seconds

    @rule(is_failed=st.booleans())
    def answer_as_target(self, is_failed: bool) -> None:
        assert self.trial.account(Side.STABLE, Seen(is_failed=is_failed), AT) is None

    @rule(is_failed=st.booleans())
    def answer_as_canary(self, is_failed: bool) -> None:
        self.canary.append((self.now, is_failed))

        verdict = self.trial.account(Side.CANARY, Seen(is_failed=is_failed), AT)

        counted = [failed for at, failed in self.canary if at >= self.now - self.bounds.window_s]
        missing = max(0, self.bounds.min_requests - len(counted))
        rate = sum(counted) / (len(counted) + missing)
        is_broken = rate > (self.bounds.max_error_rate or 0.0)
        assert (verdict is not None) == (is_broken and not self.is_halted)
        self.is_halted = self.is_halted or is_broken

    @invariant()
    def a_canary_that_was_taken_off_draws_nobody(self) -> None:
        if not hasattr(self, "trial"):
            return
        askers = [Asker("note", "/v1/completions", "key", user=f"u{n}") for n in range(20)]
        drawn = [trial for trial in askers if self.trial.draws_canary(trial)]
        expected = [a for a in askers if position("note@production", 2, f"user {a.user}") < 0.5]
        assert drawn == ([] if self.is_halted else expected)


TestJudge = JudgeMachine.TestCase


def test_the_least_number_of_failures_that_halts_is_known_beforehand() -> None:
    bounds = Bounds(max_error_rate=0.02, min_requests=50)
    trial = Trial(steered(Traffic(canary=2, weight=5, bounds=bounds)), lambda: 0.0)

    told = [trial.account(Side.CANARY, FAILED, AT) is not None for _ in range(5)]

    assert told.index(True) + 1 == ceil(0.02 * 50) + 1
