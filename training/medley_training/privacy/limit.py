"""What a site itself allows to be spent, whatever its coordinator asks."""

from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from medley_training.errors import TaskRefused
from medley_training.privacy.config import PrivacyConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivacyLimit:
    """A site's own bound on all its rounds in all runs together.

    Attributes:
        epsilon: The most that may be spent.
        delta: The largest delta that epsilon may be stated for; a larger one would make the same
            noise look better than it is.
    """

    epsilon: float
    delta: float = 1e-5

    def within(self, asked: dict[str, Any]) -> dict[str, Any]:
        """A task's privacy, with the lower of its budget and this one.

        Raises:
            TaskRefused: It has no differential privacy, a larger delta, or another form.
        """
        try:
            privacy = PrivacyConfig.model_validate(asked)
        except ValidationError as error:
            raise TaskRefused("the task's privacy is not of a form that is known here") from error
        if privacy.mechanism == "none":
            raise TaskRefused(
                f"this site trains with differential privacy only, within epsilon {self.epsilon:g}"
            )
        if privacy.delta > self.delta:
            raise TaskRefused(
                f"the task counts epsilon at delta {privacy.delta:g}; "
                f"this site allows {self.delta:g} at most"
            )
        budget = min(self.epsilon, privacy.epsilon_budget or self.epsilon)
        return privacy.model_copy(update={"epsilon_budget": budget}).model_dump(mode="json")
