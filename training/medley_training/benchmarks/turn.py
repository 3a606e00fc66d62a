"""One run of a load against one condition: what is repeated, and compared."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from medley_registry.canonical import Json

from medley_training.benchmarks.answer import Answer
from medley_training.benchmarks.memory import Memory


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What was seen in it.

    Attributes:
        answers: one for each request, failures too.
        wall_s: from the first request that was due to the last token.
        memory: at its peak.
        preemptions: requests whose KV blocks the engine took away again; they were not all there.
        energy_j: None where the device does not tell.
        facts: what `GET /benchmark` said after it; empty for the transformers lane.
    """

    answers: Sequence[Answer]
    wall_s: float
    memory: Memory
    preemptions: int = 0
    energy_j: float | None = None
    facts: dict[str, Any]

    @property
    def good(self) -> list[Answer]:
        """Those that have what was asked for."""
        return [answer for answer in self.answers if answer.error is None]

    @property
    def tokens(self) -> int:
        """Of all good answers."""
        return sum(len(answer.token_times_s) for answer in self.good)

    @property
    def tokens_per_s(self) -> float:
        return self.tokens / self.wall_s

    @property
    def in_flight(self) -> float:
        """Requests in flight on average, by Little's law."""
        return sum(answer.token_times_s[-1] - answer.sent_s for answer in self.good) / self.wall_s

    def to_json(self) -> dict[str, Json]:
        """As a line of the raw figures."""
        return {
            "wall_s": self.wall_s,
            "preemptions": self.preemptions,
            "energy_j": self.energy_j,
            "answers": [answer.to_json() for answer in self.answers],
        }
