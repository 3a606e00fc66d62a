"""What a suite is: items with a digest, and a way to put them to a served model."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from medley_registry import Digest

from medley_training.suites.answer import Answer
from medley_training.suites.endpoint import Endpoint
from medley_training.suites.evaluated import EvaluatedModel

Observer: TypeAlias = Callable[[int, int], None]
"""Told how many items are done, and of how many."""


@dataclass(frozen=True, slots=True)
class Findings:
    """What a suite found out about one model.

    Attributes:
        answers: One for each item; empty where a foreign program kept them to itself.
        metrics: What the items do not add up to.
        digest: Of what was really asked, where only the answers tell.
    """

    answers: tuple[Answer, ...]
    metrics: Mapping[str, float] = field(default_factory=dict)
    digest: Digest | None = None


class Suite(Protocol):
    """Items, and how a model's answers to them count."""

    @property
    def name(self) -> str:
        """What evidence is recorded under."""
        ...

    @property
    def digest(self) -> Digest:
        """Equal for equal items asked and counted in the same way."""
        ...

    @property
    def main_metric(self) -> str:
        """The metric by which an item's answer is better or worse than another's."""
        ...

    async def ask(self, endpoint: Endpoint, model: EvaluatedModel, observer: Observer) -> Findings:
        """Put every item to the model.

        Raises:
            NotMeasured: something was not answered.
        """
        ...
