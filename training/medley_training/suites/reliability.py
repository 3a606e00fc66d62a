"""Whether a model is as sure as it is right: confidence, Brier score, bins of confidence.

Guo et al., "On Calibration of Modern Neural Networks", arXiv:1706.04599: the expected calibration
error is the gap between confidence and accuracy in each bin, weighted by how many are in it. The
sum of the gaps of a bin's questions is that weighted gap, so it can be counted question by question
and resampled like everything else.
"""

import math
from collections.abc import Sequence

NUM_BINS = 10


def probabilities(scores: Sequence[float]) -> list[float]:
    """The options' shares of the probability that all of them have together (softmax)."""
    highest = max(scores)
    weights = [math.exp(score - highest) for score in scores]
    return [weight / sum(weights) for weight in weights]


def brier_score(chances: Sequence[float], answer: int) -> float:
    """The squared distance from certainty of the right option: 0 is best, 2 worst (Brier 1950)."""
    return sum((chance - (place == answer)) ** 2 for place, chance in enumerate(chances))


def bin_of(confidence: float) -> int:
    """Which tenth a confidence is in, from 0; the upper end belongs to the last."""
    return min(int(confidence * NUM_BINS), NUM_BINS - 1)
