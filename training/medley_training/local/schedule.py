"""The learning rate over a training: linear warm-up, then half a cosine down to zero."""

import math


def learning_rate_factor(step: int, *, total_steps: int, warmup_steps: int) -> float:
    """The share of the peak learning rate to use in `step`, counted from 0.

    Rises linearly over the warm-up to 1, then falls as ``(1 + cos(pi * t)) / 2`` (Loshchilov and
    Hutter, "SGDR", arXiv:1608.03983, eq. 5, without restarts). It is above 0 in every step.
    """
    if step < warmup_steps:
        return (step + 1) / (warmup_steps + 1)
    progress = (step - warmup_steps) / max(1, total_steps - warmup_steps)
    return (1 + math.cos(math.pi * progress)) / 2
