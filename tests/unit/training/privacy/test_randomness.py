import os
from collections.abc import Callable
from statistics import NormalDist

import pytest
from medley_training.privacy.randomness import Randomness


@pytest.mark.parametrize("randomness", [Randomness(), Randomness.seeded(7)])
def test_normal_numbers_are_normal(randomness: Randomness) -> None:
    numbers = randomness.normal(150, 201)

    assert tuple(numbers.shape) == (150, 201)
    assert _largest_gap(numbers.flatten().tolist(), NormalDist().cdf) < 0.015


def test_uniform_numbers_are_uniform_and_never_zero() -> None:
    numbers = Randomness().uniform(30_001).tolist()

    assert _largest_gap(numbers, lambda number: number) < 0.015
    assert min(numbers) > 0
    assert max(numbers) <= 1


def test_no_bits_give_a_number_that_has_no_logarithm() -> None:
    import torch

    for byte in (b"\x00", b"\xff", b"\x80"):
        numbers = Randomness(lambda count, byte=byte: byte * count)  # type: ignore[misc]
        assert 0 < float(numbers.uniform(1)) <= 1
        assert bool(torch.isfinite(numbers.normal(3)).all())


def test_neighbours_are_not_correlated() -> None:
    import torch

    numbers = Randomness.seeded(1).normal(20_000)

    for lag in (1, 2, 10_000):
        pairs = torch.stack((numbers[:-lag], numbers[lag:]))
        assert abs(float(torch.corrcoef(pairs)[0, 1])) < 0.05


def test_unless_a_test_says_otherwise_the_system_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Randomness()._source is os.urandom
    one, other = Randomness().normal(4), Randomness().normal(4)
    assert not one.equal(other)
    assert Randomness.seeded(3).normal(4).equal(Randomness.seeded(3).normal(4))


def _largest_gap(numbers: list[float], distribution: Callable[[float], float]) -> float:
    """Kolmogorov and Smirnov's: above 0.015 three times in a million for 30,000 numbers."""
    shares = (number / len(numbers) for number in range(1, len(numbers) + 1))
    return max(abs(s - distribution(n)) for s, n in zip(shares, sorted(numbers), strict=True))
