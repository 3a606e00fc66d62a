from math import log

import pytest
from medley_registry import Item
from medley_training.data.labelled import LabelledExample
from medley_training.data.sources.choice import choice_example
from medley_training.suites.choices import choice_answer
from medley_training.suites.measures import measured
from medley_training.suites.reliability import bin_of, brier_score, probabilities


def _question(number: int, subject: str = "Anatomy") -> LabelledExample:
    return LabelledExample(
        example=choice_example(f"Question {number}?", ("yes", "no"), 0),
        label=subject,
        group=f"group-{number}",
        choices=("yes", "no"),
        answer=0,
    )


def _items(*chances: float, subjects: str = "AAAA") -> list[Item]:
    """Questions whose right option has these chances."""
    return [
        choice_answer(_question(number, subject), [log(chance), log(1 - chance)]).item
        for number, (chance, subject) in enumerate(zip(chances, subjects, strict=False))
    ]


def test_scores_become_shares() -> None:
    assert probabilities([log(0.2) - 700, log(0.6) - 700]) == pytest.approx([0.25, 0.75])


def test_the_brier_score_is_the_squared_distance_from_certainty() -> None:
    assert brier_score([0.7, 0.2, 0.1], 0) == pytest.approx(0.09 + 0.04 + 0.01)
    assert brier_score([0.0, 1.0], 0) == 2


def test_a_bin_has_its_lower_end() -> None:
    assert [bin_of(chance) for chance in (0, 0.1, 0.35, 0.999, 1)] == [0, 1, 3, 9, 9]


def test_the_calibration_error_is_the_gap_in_each_bin_by_its_share() -> None:
    # Confidence 0.9 and 0.92: both right, so 1 - 0.91 is missing. Confidence 0.8 and 0.84: one is
    # right, so 0.82 - 0.5 is too much. Two of four questions each.
    found = measured(_items(0.9, 0.92, 0.8, 0.16))

    assert found["calibration_error"] == pytest.approx(0.5 * 0.09 + 0.5 * 0.32)
    assert found["choice_accuracy"] == 0.75
    assert found["confidence"] == pytest.approx((0.9 + 0.92 + 0.8 + 0.84) / 4)


def test_every_subject_has_its_accuracy_and_counts_alike_in_the_macro_mean() -> None:
    found = measured(_items(0.9, 0.9, 0.9, 0.2, subjects="AAAB"))

    assert found["choice_accuracy"] == 0.75
    assert (found["choice_accuracy@A"], found["choice_accuracy@B"]) == (1, 0)
    assert found["choice_accuracy_macro"] == 0.5
    assert not any(name.startswith("reliability") for name in found)
