"""Decisions of a gate: whether an alias may point at a version, with every number behind it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from medley_registry.aliases import Alias
from medley_registry.canonical import Json
from medley_registry.digest import Digest


class Outcome(StrEnum):
    PASSED = "passed"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What was decided when somebody asked to move an alias that demands something.

    Attributes:
        generation: How often the alias had moved; the version it pointed at is the baseline.
        ordinal: Counts the decisions made while it stood there, from 1.
        number, digest: The candidate.
        revision: Which of the alias's policies was asked.
        report: Each demand with what was found (docs/gate.md).
    """

    adapter: str
    alias: str
    generation: int
    ordinal: int
    number: int
    digest: Digest
    revision: int
    outcome: Outcome
    report: dict[str, Json]
    actor: str
    at: datetime

    def is_again(self, other: "Decision") -> bool:
        """Whether both say the same of the same candidate, asked for by the same person."""
        said = (self.number, self.revision, self.outcome, self.report, self.actor)
        return said == (other.number, other.revision, other.outcome, other.report, other.actor)

    def led_to(self, alias: Alias) -> bool:
        """Whether the alias stands where this decision let it go."""
        moved = (alias.number, alias.generation - 1)
        return self.outcome is Outcome.PASSED and (self.number, self.generation) == moved
