"""What a task's ``plan`` says: the training itself, as a learner carries it out."""

from dataclasses import asdict, dataclass
from typing import Any

from medley_training.errors import TaskRefused
from medley_training.local.trainer import TrainingPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """How a site is to train in one round.

    Attributes:
        training: The steps.
        max_tokens: Longer examples are cut.
        wants_loss: Whether the start's mean loss over the site's examples is asked for (q-FFL).
    """

    training: TrainingPlan
    max_tokens: int
    wants_loss: bool = False

    def to_json(self) -> dict[str, Any]:
        """What `from_json` reads back."""
        return {
            "training": asdict(self.training),
            "max_tokens": self.max_tokens,
            "wants_loss": self.wants_loss,
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "Assignment":
        """Read a task's plan.

        Raises:
            TaskRefused: It is not what this version of the software writes.
        """
        try:
            training = TrainingPlan(**value["training"])
            return cls(
                training=training,
                max_tokens=int(value["max_tokens"]),
                wants_loss=bool(value["wants_loss"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise TaskRefused(f"the task's plan cannot be carried out here: {error}") from error
