"""A site with several GPUs: processes that learn together, of which one talks to the coordinator.

``accelerate launch`` starts them with the same arguments. The first answers questions; whenever it
is to train, it hands the task to the others, which train with it and end with the same adapter.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from medley_registry.digest import Digest

from medley_training.errors import TrainingError
from medley_training.evaluation.plan import EvaluationPlan
from medley_training.evaluation.scores import Scores
from medley_training.identity.task import Task
from medley_training.local.lora import LoraShape
from medley_training.rounds.learner import HeldOut, Learner, Learnt, Steps

if TYPE_CHECKING:
    from torch import Tensor

    from medley_training.local.processes import Processes


class TogetherLearner:
    """The first process's learner: every training is one of all processes.

    Args:
        learner: This process's own, which shares its steps with the others'.
        processes: All of them.
    """

    def __init__(self, learner: Learner, processes: "Processes") -> None:
        self._learner = learner
        self._processes = processes

    @property
    def base(self) -> Digest:
        """The identity of the base model."""
        return self._learner.base

    @property
    def quantization(self) -> str:
        """How the base is loaded."""
        return self._learner.quantization

    def learn(self, task: Task, start: Mapping[str, "Tensor"], steps: Steps) -> Learnt:
        """Train with all processes; under privacy alone, where each draw and each noise counts."""
        if not task.is_private:
            self._processes.hand_out((task, dict(start)))
        return self._learner.learn(task, start, steps)

    @property
    def held_out(self) -> HeldOut:
        return self._learner.held_out

    def score(
        self, adapter: Mapping[str, "Tensor"], shape: LoraShape, plan: EvaluationPlan
    ) -> Sequence[Scores]:
        """Score in this process alone: the others wait."""
        return self._learner.score(adapter, shape, plan)


@contextmanager
def together(learner: Learner, processes: "Processes | None") -> Iterator[Learner]:
    """The learner of the first process while it answers; afterwards the others may end."""
    if processes is None:
        yield learner
        return
    try:
        yield TogetherLearner(learner, processes)
    finally:
        processes.hand_out(None)


def follow(learner: Learner, processes: "Processes") -> None:
    """What the other processes do: train whatever the first one trains, until it is done."""
    while (handed := processes.take()) is not None:
        task, start = handed
        # What fails, fails in all processes alike, and the first one tells the coordinator.
        with suppress(TrainingError):
            learner.learn(task, start, lambda _: None)
