"""What each item of a suite contributed to an evaluation: what two versions are compared by.

A metric is a sum over a count, such as right fields over fields. Kept by item, it can be counted
again over any of them: over one hospital's, or over a resampling.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import inf, isfinite
from typing import Any

from medley_registry.canonical import Json, canonical_json
from medley_registry.digest import Digest


@dataclass(frozen=True, slots=True)
class Item:
    """One document or question.

    Attributes:
        name: What it is called in its suite; there is no second one of that name.
        cluster: What it belongs to and what is drawn as one: a patient, a document.
        site: The hospital it is from.
        tallies: By metric, a sum and what it is divided by.
    """

    name: str
    cluster: str
    site: str
    tallies: Mapping[str, tuple[float, float]]

    def to_json(self) -> dict[str, Json]:
        """What ``from_json`` reads back."""
        tallies: dict[str, Json] = {name: [*tally] for name, tally in self.tallies.items()}
        return {"item": self.name, "cluster": self.cluster, "site": self.site, "tallies": tallies}

    @classmethod
    def from_json(cls, value: Any) -> "Item":
        """Read what ``to_json`` wrote.

        Raises:
            KeyError, TypeError, ValueError: it is something else.
        """
        name, cluster, site = (value[key] for key in ("item", "cluster", "site"))
        if not all(isinstance(text, str) for text in (name, cluster, site)):
            raise TypeError("item, cluster and site are texts")
        tallies = {metric: _tally(metric, pair) for metric, pair in value["tallies"].items()}
        return cls(name, cluster, site, tallies)


def _tally(metric: object, pair: Any) -> tuple[float, float]:
    total, count = pair
    for number in (total, count):
        if isinstance(number, bool) or not isinstance(number, int | float):
            raise TypeError(f"{metric} is a sum and a count, two numbers")
    try:
        total, count = float(total), float(count)
    except OverflowError as error:
        raise ValueError(f"{metric}: {error}") from error
    if not isinstance(metric, str) or not (isfinite(total) and 0 <= count < inf):
        raise ValueError(f"{metric} has a sum or a count that is none")
    if total and not count:
        raise ValueError(f"{metric} has a sum and counts nothing")
    return total, count


@dataclass(frozen=True, slots=True)
class ItemScores:
    """The items behind one piece of evidence, sorted by name."""

    adapter: str
    number: int
    ordinal: int
    items: tuple[Item, ...]


def items_digest(items: Iterable[Item]) -> Digest:
    """Equal for equal items, whenever and by whomever they were recorded."""
    return Digest.of(canonical_json([item.to_json() for item in items]))


def totals(items: Iterable[Item]) -> dict[str, float]:
    """Each metric over these items: its sum over its count, where anything was counted."""
    sums: dict[str, tuple[float, float]] = {}
    for item in items:
        for metric, (total, count) in item.tallies.items():
            before = sums.get(metric, (0.0, 0.0))
            sums[metric] = (before[0] + total, before[1] + count)
    return {metric: total / count for metric, (total, count) in sums.items() if count}
