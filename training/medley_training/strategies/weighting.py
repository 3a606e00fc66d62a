"""How much each participant's contribution counts, from what it reports."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from medley_training.errors import RecipeError


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What is known of one contribution besides its tensors.

    Attributes:
        num_examples: The examples it was trained on, as the participant states them.
        loss_first: Training loss of the first step, in nats per token.
        loss_last: Training loss of the last step.
        utility: What the contribution alone gains on data of the coordinator's: the start's
            validation loss less the contribution's. The only figure here that no participant can
            make up.
    """

    participant: str
    num_examples: int
    loss_first: float | None = None
    loss_last: float | None = None
    utility: float | None = None


def weights(rule: str, reports: Sequence[Report]) -> dict[str, float]:
    """The participants' weights, which sum to 1, by name.

    Raises:
        RecipeError: There is no such rule, or a report lacks what it needs.
    """
    if rule not in RULES:
        raise RecipeError(f"no weights are called {rule!r}; there are: {', '.join(sorted(RULES))}")
    reports = sorted(reports, key=lambda report: report.participant)
    amounts = RULES[rule](reports)
    total = math.fsum(amounts)
    if not (math.isfinite(total) and total > 0):
        raise RecipeError(f"the weights by {rule!r} cannot be told from these reports")
    return {r.participant: amount / total for r, amount in zip(reports, amounts, strict=True)}


def equal(reports: Sequence[Report]) -> list[float]:
    """Everybody alike."""
    return [1.0 for _ in reports]


def samples(reports: Sequence[Report]) -> list[float]:
    """By the number of examples (McMahan et al., arXiv:1602.05629)."""
    return [float(report.num_examples) for report in reports]


def agentic(reports: Sequence[Report]) -> list[float]:
    """FED-MED's formula as its authors' code has it (vasujunior7/MedFed-AgenticLLM).

    ``0.7 max(0.1, 0.6 quality + 0.4 steadiness) + 0.3 share of examples``. Quality is 1 at the
    lowest last loss and 0 at the highest; steadiness is 1 less the deviation of the loss's drop
    from the mean drop, over the largest deviation, and halved past a deviation of 5. It rewards low
    *training* loss: small, easy or over-fitted sites. It is here to be compared with.
    """
    last = [_given(report.loss_last, report, "its last loss") for report in reports]
    first = [_given(report.loss_first, report, "its first loss") for report in reports]
    drops = [start - end for start, end in zip(first, last, strict=True)]
    mean_drop = math.fsum(drops) / len(drops)
    deviations = [abs(drop - mean_drop) for drop in drops]
    examples = math.fsum(report.num_examples for report in reports)
    amounts = []
    for report, loss, deviation in zip(reports, last, deviations, strict=True):
        spread, widest = max(last) - min(last), max(deviations)
        quality = 1 - (loss - min(last)) / spread if spread > 0 else 1.0
        steadiness = 1 - deviation / widest if widest > 1e-6 else 1.0
        if deviation > 5:
            steadiness *= 0.5
        score = max(0.1, 0.6 * quality + 0.4 * steadiness)
        amounts.append(0.7 * score + 0.3 * report.num_examples / examples)
    return amounts


def utility(reports: Sequence[Report]) -> list[float]:
    """By examples times what the contribution alone gains on the coordinator's data.

    A contribution that gains nothing does not count. Where none gains anything the examples decide,
    because a round in which nobody counts would stop the run.
    """
    gains = [max(0.0, _given(r.utility, r, "its utility")) for r in reports]
    if not any(gains):
        return samples(reports)
    return [gain * report.num_examples for gain, report in zip(gains, reports, strict=True)]


RULES: Mapping[str, Callable[[Sequence[Report]], list[float]]] = {
    "agentic": agentic,
    "equal": equal,
    "samples": samples,
    "utility": utility,
}


def _given(value: float | None, report: Report, what: str) -> float:
    if value is None or not math.isfinite(value):
        raise RecipeError(f"{report.participant} came without {what}")
    return value
