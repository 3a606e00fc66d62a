"""Batches of similar length, so that little of the work is spent on padding."""

from collections.abc import Sequence
from random import Random
from typing import TypeAlias

from medley_training.data.formatting import TokenizedExample

Batch: TypeAlias = tuple[TokenizedExample, ...]


def batches_by_length(
    examples: Sequence[TokenizedExample], random: Random, *, max_tokens: int
) -> list[Batch]:
    """Split one epoch's examples into batches, each at most `max_tokens` after padding.

    Every example is in exactly one batch. Ties in length and the order of batches are drawn from
    `random`. An example longer than `max_tokens` makes a batch of its own.
    """
    shuffled = random.sample(examples, len(examples))
    batches: list[Batch] = []
    current: list[TokenizedExample] = []
    for example in sorted(shuffled, key=len):
        # Lengths only grow, so the newest example is the one that the others are padded to.
        if current and (len(current) + 1) * len(example) > max_tokens:
            batches.append(tuple(current))
            current = []
        current.append(example)
    if current:
        batches.append(tuple(current))
    return random.sample(batches, len(batches))
