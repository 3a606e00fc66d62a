"""What a participant does with its own data, as the rounds see it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from medley_registry.digest import Digest

from medley_training.evaluation.plan import EvaluationPlan
from medley_training.evaluation.scores import Scores
from medley_training.identity.task import Task
from medley_training.local.lora import LoraShape
from medley_training.local.trainer import StepReport

if TYPE_CHECKING:
    from torch import Tensor

Steps = Callable[[StepReport], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Learnt:
    """What one site's training in one round gave.

    Attributes:
        tensors: The trained factors by the names they have on disk, float32.
        loss_first: Mean loss over the first tenth of the steps, in nats per completion token.
        loss_last: The same over the last tenth.
        loss_of_start: Mean loss of the start over the site's examples; None where nobody asked.
        num_examples: How many different examples were learnt from: never sent, only its bucket.
        epsilon: The privacy spent so far; None without differential privacy.
    """

    tensors: Mapping[str, "Tensor"]
    loss_first: float
    loss_last: float
    loss_of_start: float | None
    num_examples: int
    num_tokens: int
    duration_s: float
    epsilon: float | None = None


@dataclass(frozen=True, slots=True)
class HeldOut:
    """What a site holds out, as far as that is told.

    Attributes:
        digest: Of all examples in their order: who does not have all of them cannot guess it.
        groups: For each example the number of its group: of a patient, say.
    """

    digest: Digest
    groups: tuple[int, ...]


class Learner(Protocol):
    """A site's data and base model, behind the two things a round needs of them."""

    @property
    def base(self) -> Digest:
        """The identity of the base model it trains on."""
        ...

    @property
    def quantization(self) -> str:
        """How that base is quantized: ``none`` or ``nf4``."""
        ...

    def learn(self, task: Task, start: Mapping[str, "Tensor"], steps: Steps) -> Learnt:
        """Train from `start` as the task says.

        The same task gives the same tensors, unless it asks for differential privacy.

        Raises:
            TrainingError: The data, the budget or the numbers forbid it.
        """
        ...

    @property
    def held_out(self) -> HeldOut:
        """What `score` scores on."""
        ...

    def score(
        self, adapter: Mapping[str, "Tensor"], shape: LoraShape, plan: EvaluationPlan
    ) -> Sequence[Scores]:
        """How the adapter does on each example this site held out, measured as the plan says."""
        ...
