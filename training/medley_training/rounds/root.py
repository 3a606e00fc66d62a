"""The coordinator's own clean data: what a contribution gains on it, and what it trains from it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from medley_registry.digest import Digest

from medley_training.compression.contribution_file import ContributionFile
from medley_training.errors import RecipeError
from medley_training.evaluation.scores import pooled
from medley_training.factors import Adapter, tensors_of
from medley_training.local.lora import LoraShape
from medley_training.privacy.config import PrivacyConfig
from medley_training.rounds.ballot import open_start, read_statement
from medley_training.rounds.configuring import read_task
from medley_training.rounds.learner import Learner
from medley_training.rounds.run import Run
from medley_training.rounds.run_folder import RoundFolder, write_bytes

if TYPE_CHECKING:
    from torch import Tensor

NAME = "coordinator"


@dataclass(frozen=True, slots=True)
class Root:
    """A learner over the coordinator's clean data, which no site trains on.

    FLTrust (Cao et al., arXiv:2012.13995) compares contributions with what it trains; weights by
    utility count what each contribution alone gains on it.
    """

    run: Run
    learner: Learner

    def train(self, folder: RoundFolder) -> Digest:
        """Train from the round's start as a site of full rank would; the file's digest."""
        from safetensors.torch import save

        shape = self.run.recipe.lora.shape()
        sample = read_task(self.run, folder, _some_site(folder))
        # Nobody's privacy but the coordinator's own is at stake in its own examples.
        privacy = PrivacyConfig().model_dump(mode="json")
        task = replace(
            sample, participant=NAME, shape=shape, seed=self.run.recipe.seed, privacy=privacy
        )
        start = _tensors(open_start(folder, shape))
        learnt = self.learner.learn(task, start, lambda _: None)
        data = save({**start, **learnt.tensors}, metadata={"format": "pt"})
        write_bytes(root_file(folder), data)
        return Digest.of(data)

    def utilities(self, folder: RoundFolder, sites: Sequence[str]) -> dict[str, float]:
        """What each contribution alone takes off the start's loss, in nats per token."""
        before: dict[LoraShape, float] = {}
        gains = {}
        for site in sites:
            statement = read_statement(folder, site)
            start = open_start(folder, statement.shape)
            if statement.shape not in before:
                before[statement.shape] = self._loss(start, statement.shape)
            path = folder.contribution(site)
            after = ContributionFile(path, start, statement.shape, statement.codec)
            gains[site] = before[statement.shape] - self._loss(after, statement.shape)
        return gains

    def _loss(self, adapter: Adapter, shape: LoraShape) -> float:
        plan = self.run.recipe.evaluation
        metrics = pooled(self.learner.score(_tensors(adapter), shape, plan)).metrics()
        if "loss" not in metrics:
            raise RecipeError("weights by utility need data.root_share and evaluation task loss")
        return metrics["loss"]


def root_file(folder: RoundFolder) -> Path:
    """What the coordinator trained itself in a round."""
    return folder.path / "root" / "adapter.safetensors"


def _tensors(adapter: Adapter) -> "dict[str, Tensor]":
    return {name: tensor.float().contiguous() for name, tensor in tensors_of(adapter)}


def _some_site(folder: RoundFolder) -> str:
    return min(path.stem for path in (folder.path / "tasks").glob("*.json"))
