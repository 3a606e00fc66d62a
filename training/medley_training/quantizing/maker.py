"""What makes one kind of model folder out of another."""

from pathlib import Path
from typing import Protocol

from medley_registry.base_folder import Progress
from medley_registry.bases import BaseModel
from medley_registry.canonical import Json

Recipe = dict[str, Json]


class Maker(Protocol):
    """A method with its settings."""

    def plan(self, origin: BaseModel) -> Recipe:
        """All that decides the result, under ``method``, ``tool`` and the settings' names.

        Raises:
            CannotQuantize: it cannot be made of this base; nothing was written.
        """
        ...

    def write(self, origin: BaseModel, folder: Path, *, progress: Progress) -> Recipe:
        """Write the model into an empty folder; what there is to tell of it besides the plan.

        Raises:
            CannotQuantize: the tool fails on this base.
        """
        ...
