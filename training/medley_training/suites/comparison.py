"""Two models on the same items: what differs, how sure that is, and which answers changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb
from typing import TYPE_CHECKING

from medley_registry import Item
from medley_registry.canonical import Json

from medley_training.errors import BadSuite
from medley_training.suites.answer import Answer
from medley_training.suites.measures import (
    drawn_sums,
    interval,
    metric_names,
    pooled_draws,
    tallies_by_site,
    values,
)

if TYPE_CHECKING:
    from numpy import float64
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Difference:
    """One metric of the first, of the second, and the first less the second.

    Attributes:
        interval: The ends of the difference's 95 % interval; None where it cannot be told.
    """

    metric: str
    first: float
    second: float
    difference: float
    interval: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Flips:
    """How many items the first did better and worse, by the suite's main metric.

    Equal accuracies can hide many changed answers (arXiv:2407.09141).

    Attributes:
        changed: Items whose answers differ in any way.
        p_value: McNemar's exact test: how probable so uneven a split is where better and worse are
            as probable as each other. It takes each item as drawn by itself.
    """

    better: int
    worse: int
    same: int
    changed: int

    @property
    def p_value(self) -> float:
        return sign_test(self.better, self.worse)


@dataclass(frozen=True, slots=True)
class Comparison:
    """The first against the second on one suite."""

    suite: str
    first: str
    second: str
    differences: tuple[Difference, ...]
    flips: Flips

    def to_json(self) -> dict[str, Json]:
        """For programs."""
        return {
            "suite": self.suite,
            "first": self.first,
            "second": self.second,
            "differences": {
                each.metric: {
                    "first": each.first,
                    "second": each.second,
                    "difference": each.difference,
                    "ci_low": each.interval[0] if each.interval else None,
                    "ci_high": each.interval[1] if each.interval else None,
                }
                for each in self.differences
            },
            "flips": {
                "better": self.flips.better,
                "worse": self.flips.worse,
                "same": self.flips.same,
                "changed_answers": self.flips.changed,
                "p_value": self.flips.p_value,
            },
        }


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a comparison: a model's name and its answers to a suite."""

    name: str
    answers: Sequence[Answer]


def compare(
    suite: str, first: Side, second: Side, *, main_metric: str, seed: int = 0
) -> Comparison:
    """Compare two models' answers to one suite, item by item.

    Args:
        suite: Its name.
        first: What is judged.
        second: What it is compared with.
        main_metric: Of an item's better or worse answer; more is better.
        seed: Equal answers and seeds give equal intervals.

    Raises:
        BadSuite: They answered different items.
    """
    pairs = _pairs(suite, first, second)
    items = [(one.item, other.item) for one, other in pairs]
    return Comparison(
        suite=suite,
        first=first.name,
        second=second.name,
        differences=tuple(_differences(items, seed=seed)),
        flips=_flips(pairs, main_metric),
    )


def sign_test(better: int, worse: int) -> float:
    """The chance of a split as uneven as this one, or more so, if both sides were alike."""
    num, fewer = better + worse, min(better, worse)
    as_uneven: int = 2 * sum(comb(num, k) for k in range(fewer + 1))
    chance: float = as_uneven / 2**num
    return min(1.0, chance)


def _pairs(suite: str, first: Side, second: Side) -> list[tuple[Answer, Answer]]:
    sides = [{answer.item.name: answer for answer in side.answers} for side in (first, second)]
    if odd := sides[0].keys() ^ sides[1].keys():
        raise BadSuite(
            f"{first.name} and {second.name} answered different items of {suite}:"
            f" {len(odd)} are of one only, {min(odd)!r} the first"
        )
    return [(sides[0][name], sides[1][name]) for name in sorted(sides[0])]


def _differences(pairs: Sequence[tuple[Item, Item]], *, seed: int) -> list[Difference]:
    import numpy as np

    names = metric_names([item for pair in pairs for item in pair])
    sides = [tallies_by_site([pair[side] for pair in pairs], names) for side in (0, 1)]
    both = {site: np.hstack([sides[0][site], sides[1][site]]) for site in sides[0]}
    random = np.random.default_rng(seed)
    drawn = pooled_draws(both, {site: drawn_sums(sums, random) for site, sums in both.items()})
    total = np.sum([sums.sum(axis=0) for sums in both.values()], axis=0)[None, :]
    first, second = _halves(names, total)
    drawn_first, drawn_second = _halves(names, drawn) if drawn is not None else ({}, {})
    found = []
    for name in first:
        one, other = float(first[name][0]), float(second[name][0])
        if not np.isfinite([one, other]).all():
            continue
        ends = interval(drawn_first[name] - drawn_second[name]) if drawn_first else None
        found.append(Difference(name, one, other, one - other, ends))
    return found


def _halves(
    names: Sequence[str], sums: "NDArray[float64]"
) -> "tuple[dict[str, NDArray[float64]], dict[str, NDArray[float64]]]":
    width = 2 * len(names)
    return values(names, sums[:, :width]), values(names, sums[:, width:])


def _flips(pairs: Sequence[tuple[Answer, Answer]], metric: str) -> Flips:
    signs = [_value(one, metric) - _value(other, metric) for one, other in pairs]
    better, worse = sum(sign > 0 for sign in signs), sum(sign < 0 for sign in signs)
    changed = sum(one.said != other.said for one, other in pairs)
    return Flips(better, worse, len(pairs) - better - worse, changed)


def _value(answer: Answer, metric: str) -> float:
    total, count = answer.item.tallies.get(metric, (0.0, 0.0))
    return total / count if count else 0.0
