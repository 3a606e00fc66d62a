import pytest
from medley_training.local.schedule import learning_rate_factor


def test_the_rate_warms_up_peaks_and_falls_without_reaching_zero() -> None:
    factors = [learning_rate_factor(step, total_steps=10, warmup_steps=2) for step in range(10)]

    assert factors[:3] == pytest.approx([1 / 3, 2 / 3, 1.0])
    assert factors[6] == pytest.approx(0.5)
    assert factors[2:] == sorted(factors[2:], reverse=True)
    assert factors[-1] > 0


def test_a_training_of_one_step_uses_the_full_rate() -> None:
    assert learning_rate_factor(0, total_steps=1, warmup_steps=0) == 1.0
