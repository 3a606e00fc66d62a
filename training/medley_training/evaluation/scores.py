"""What an evaluation found, in a form that can be pooled over sites by adding."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Tally:
    """A sum and what it is divided by: nats over tokens, right answers over questions.

    Raises:
        ValueError: The sum is not a number, or the count is negative.
    """

    sum: float
    count: float

    def __post_init__(self) -> None:
        if math.isnan(self.sum) or not 0 <= self.count < math.inf:
            raise ValueError(f"not a tally: {self.sum} of {self.count}")

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(self.sum + other.sum, self.count + other.count)


@dataclass(frozen=True, slots=True)
class Scores:
    """Tallies by metric. Adding two scores pools their examples, as if evaluated together.

    Attributes:
        tallies: ``loss`` (nats per completion token) and ``token_accuracy``; ``choice_accuracy``;
            ``field_f1``, ``field_exact``, ``json_valid`` and ``critical_errors`` (per document).
    """

    tallies: Mapping[str, Tally]

    def __post_init__(self) -> None:
        by_name = {name: self.tallies[name] for name in sorted(self.tallies)}
        object.__setattr__(self, "tallies", MappingProxyType(by_name))

    def metrics(self) -> dict[str, float]:
        """Each metric's value, by name; a metric that nothing was counted for is left out."""
        return {
            name: tally.sum / tally.count for name, tally in self.tallies.items() if tally.count
        }

    def __add__(self, other: "Scores") -> "Scores":
        names = self.tallies.keys() | other.tallies.keys()
        nothing = Tally(0.0, 0)
        return Scores(
            {
                name: self.tallies.get(name, nothing) + other.tallies.get(name, nothing)
                for name in names
            }
        )

    def to_json(self) -> dict[str, list[float]]:
        """What `from_json` reads back as equal scores."""
        return {name: [tally.sum, tally.count] for name, tally in self.tallies.items()}

    @classmethod
    def from_json(cls, value: object) -> "Scores":
        """Read what somebody else says are scores.

        Raises:
            ValueError: It is not what `to_json` gives.
        """
        if not isinstance(value, dict):
            raise ValueError("scores are an object of metrics")
        return cls({name: _tally(name, pair) for name, pair in value.items()})


NO_SCORES = Scores({})
"""Nothing was evaluated; adding it changes nothing."""


def pooled(scores: Iterable[Scores]) -> Scores:
    """The scores of all examples together."""
    return sum(scores, NO_SCORES)


def _tally(name: str, value: object) -> Tally:
    if not isinstance(value, list) or [type(part) in (int, float) for part in value] != [True] * 2:
        raise ValueError(f"{name} must be a sum and a count, not {value!r}")
    return Tally(*value)
