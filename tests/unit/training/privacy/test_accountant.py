import json
import math
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from medley_training.errors import BudgetSpent, PrivacyError
from medley_training.privacy.accountant import (
    PrivacyLedger,
    Release,
    Spending,
    epsilon_of,
    rounded_up,
)

DELTA = 1e-5
WHOLE = Spending(release=Release("run", 1, "n"), sample_rate=1.0, noise_multiplier=5.0, steps=4)


def _round(number: int, spending: Spending = WHOLE) -> Spending:
    return replace(spending, release=replace(spending.release, round=number))


def _gaussian(noise_multiplier: float, steps: int) -> float:
    """Epsilon of the Gaussian mechanism without drawing, over the orders in closed form."""
    orders = [1 + step / 1000 for step in range(1, 100_000, 7)]
    return min(
        steps * a / (2 * noise_multiplier**2)
        - (math.log(DELTA) + math.log(a)) / (a - 1)
        + math.log((a - 1) / a)
        for a in orders
    )


@pytest.mark.parametrize(("noise_multiplier", "steps"), [(1.0, 1), (5.0, 40), (20.0, 3)])
def test_epsilon_without_drawing_is_the_closed_form(noise_multiplier: float, steps: int) -> None:
    spending = replace(WHOLE, noise_multiplier=noise_multiplier, steps=steps)

    epsilon = epsilon_of([spending], delta=DELTA)

    assert epsilon == pytest.approx(_gaussian(noise_multiplier, steps), rel=0.01)
    assert epsilon >= _gaussian(noise_multiplier, steps) - 1e-9, "a bound is never below"


def test_drawing_few_examples_counts_as_the_paper_says() -> None:
    """Mironov et al., arXiv:1908.10530, §3.3: the sum for whole orders, here without Opacus."""
    q, noise, steps = 0.02, 1.1, 500

    def rdp(order: int) -> float:
        moments = (
            math.comb(order, k)
            * (1 - q) ** (order - k)
            * q**k
            * math.exp((k * k - k) / (2 * noise**2))
            for k in range(order + 1)
        )
        return steps * math.log(sum(moments)) / (order - 1)

    by_hand = min(
        rdp(a) - (math.log(DELTA) + math.log(a)) / (a - 1) + math.log((a - 1) / a)
        for a in range(2, 33)
    )
    spending = replace(WHOLE, sample_rate=q, noise_multiplier=noise, steps=steps)
    assert epsilon_of([spending], delta=DELTA) == pytest.approx(by_hand, rel=0.02)


@pytest.mark.parametrize("noise_multiplier", [0.05, 0.3, 100.0])
def test_much_and_little_noise_give_a_number_without_a_warning(noise_multiplier: float) -> None:
    spending = replace(WHOLE, sample_rate=0.01, noise_multiplier=noise_multiplier)

    assert 0 < epsilon_of([spending], delta=DELTA) < math.inf


def test_nothing_spent_is_nothing(tmp_path: Path) -> None:
    ledger = PrivacyLedger(tmp_path / "ledger.json")

    assert ledger.epsilon(delta=DELTA) == 0
    assert ledger.spendings() == ()


def test_rounds_add_up_to_one_training_of_all_their_steps(tmp_path: Path) -> None:
    ledger = PrivacyLedger(tmp_path / "site" / "ledger.json")

    spent = [ledger.reserve(_round(number), delta=DELTA) for number in range(1, 6)]

    assert spent == sorted(spent)
    together = replace(WHOLE, steps=5 * WHOLE.steps)
    assert spent[-1] == pytest.approx(epsilon_of([together], delta=DELTA))
    assert PrivacyLedger(tmp_path / "site" / "ledger.json").epsilon(delta=DELTA) == spent[-1]


def test_the_same_release_is_paid_once(tmp_path: Path) -> None:
    ledger = PrivacyLedger(tmp_path / "ledger.json")
    first = ledger.reserve(WHOLE, delta=DELTA)
    content = (tmp_path / "ledger.json").read_bytes()

    assert ledger.reserve(WHOLE, delta=DELTA) == first
    assert (tmp_path / "ledger.json").read_bytes() == content


@pytest.mark.parametrize(
    "other",
    [
        replace(WHOLE, steps=5),
        replace(WHOLE, noise_multiplier=6.0),
        replace(WHOLE, release=Release("run", 2, "n")),
        replace(WHOLE, release=Release("run", 1, "asked for again")),
        replace(WHOLE, release=Release("another run", 1, "n")),
    ],
)
def test_anything_else_is_paid_in_addition(tmp_path: Path, other: Spending) -> None:
    ledger = PrivacyLedger(tmp_path / "ledger.json")
    ledger.reserve(WHOLE, delta=DELTA)

    ledger.reserve(other, delta=DELTA)

    assert ledger.spendings() == (WHOLE, other)


@settings(max_examples=25)
@given(steps=st.lists(st.integers(1, 40), min_size=1, max_size=8), budget=st.floats(0.5, 6))
def test_the_budget_is_never_passed(
    tmp_path_factory: pytest.TempPathFactory, steps: list[int], budget: float
) -> None:
    ledger = PrivacyLedger(tmp_path_factory.mktemp("site") / "ledger.json")
    for number, count in enumerate(steps, start=1):
        wanted = replace(_round(number), steps=count)
        before = ledger.spendings()
        passes = epsilon_of([*before, wanted], delta=DELTA) > budget
        try:
            assert ledger.reserve(wanted, delta=DELTA, epsilon_budget=budget) <= budget
        except BudgetSpent:
            assert ledger.spendings() == before
            assert passes
        else:
            assert not passes

    assert ledger.epsilon(delta=DELTA) <= budget


def test_what_was_reserved_before_may_be_done_under_a_smaller_budget(tmp_path: Path) -> None:
    """It is paid: refusing it now would waste it."""
    ledger = PrivacyLedger(tmp_path / "ledger.json")
    spent = ledger.reserve(WHOLE, delta=DELTA, epsilon_budget=5)

    assert ledger.reserve(WHOLE, delta=DELTA, epsilon_budget=spent / 2) == spent
    with pytest.raises(BudgetSpent, match="round 2"):
        ledger.reserve(_round(2), delta=DELTA, epsilon_budget=spent / 2)


def test_processes_that_reserve_at_once_are_all_counted(tmp_path: Path) -> None:
    """Each opens the lock file for itself, as processes do."""

    def reserve(number: int) -> None:
        PrivacyLedger(tmp_path / "ledger.json").reserve(_round(number), delta=DELTA)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(reserve, range(1, 17)))

    rounds = {s.release.round for s in PrivacyLedger(tmp_path / "ledger.json").spendings()}
    assert rounds == set(range(1, 17))


def test_a_crash_while_writing_leaves_the_old_ledger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = PrivacyLedger(tmp_path / "ledger.json")
    ledger.reserve(WHOLE, delta=DELTA)

    def power_loss(_: int) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", power_loss)
        with pytest.raises(KeyboardInterrupt):
            ledger.reserve(_round(2), delta=DELTA)

    assert ledger.spendings() == (WHOLE,)
    assert {path.name for path in tmp_path.iterdir()} == {"ledger.json", "ledger.json.lock"}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff",
        b"[]",
        b"{}",
        b'{"format": 2, "spendings": []}',
        b'{"format": 1, "spendings": [{}]}',
        b'{"format": 1, "spendings": [{"release": {"run": "r"}}]}',
    ],
)
def test_a_damaged_ledger_stops_everything_and_is_not_begun_anew(
    tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "ledger.json").write_bytes(content)

    with pytest.raises(PrivacyError, match="cannot be read"):
        PrivacyLedger(tmp_path / "ledger.json").reserve(WHOLE, delta=DELTA)

    assert (tmp_path / "ledger.json").read_bytes() == content


def test_a_ledger_can_be_read_by_a_person(tmp_path: Path) -> None:
    PrivacyLedger(tmp_path / "ledger.json").reserve(WHOLE, delta=DELTA)

    record = json.loads((tmp_path / "ledger.json").read_text())

    assert record["spendings"] == [
        {
            "release": {"run": "run", "round": 1, "nonce": "n"},
            "sample_rate": 1.0,
            "noise_multiplier": 5.0,
            "steps": 4,
        }
    ]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("sample_rate", 0.0),
        ("sample_rate", 1.5),
        ("steps", 0),
        ("noise_multiplier", 0.0),
        ("noise_multiplier", math.nan),
    ],
)
def test_a_spending_that_cannot_be_is_refused(field: str, value: float) -> None:
    with pytest.raises(ValueError, match="not a spending"):
        replace(WHOLE, **{field: value})  # type: ignore[arg-type]


@given(st.floats(0, 1e6))
def test_epsilon_is_told_in_two_digits_and_never_too_small(epsilon: float) -> None:
    told = rounded_up(epsilon)

    assert epsilon <= told <= 1.1 * epsilon or told == epsilon == 0
    assert float(f"{told:.1e}") == told
