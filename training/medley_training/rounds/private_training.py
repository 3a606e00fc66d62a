"""A site's training under whatever its task promises about privacy."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from pydantic import ValidationError

from medley_training.compression.codec import NO_CODEC
from medley_training.compression.contribution_file import ContributionFile, write_contribution
from medley_training.data.formatting import TokenizedExample
from medley_training.errors import TaskRefused
from medley_training.factors import adapter_of
from medley_training.identity.task import Task
from medley_training.local.lora import Factor, trained_tensors
from medley_training.local.trainer import TrainingPlan, TrainingResult, train
from medley_training.privacy.accountant import PrivacyLedger, Release
from medley_training.privacy.check import check_saved
from medley_training.privacy.config import PrivacyConfig
from medley_training.privacy.dp_sgd import train_privately
from medley_training.privacy.product import privatise_product, product_spending
from medley_training.rounds.learner import Steps

if TYPE_CHECKING:
    from peft import PeftModel
    from torch import Tensor

    from medley_training.local.processes import Processes

_PROBE_LENGTHS = (12, 20)


@dataclass(frozen=True, slots=True)
class Trained:
    """What may leave the site, and what its training was like.

    Attributes:
        tensors: The trained factors by the names they have on disk, float32.
        result: Of the training; under privacy its losses are not covered and stay at the site.
        epsilon: What the site's ledger holds in all, for the task's delta; None without privacy.
    """

    tensors: Mapping[str, "Tensor"]
    result: TrainingResult
    epsilon: float | None


@dataclass(frozen=True, slots=True)
class PrivateTraining:
    """One round's training at a site.

    Attributes:
        ledger: What the site has spent.
        task: What it was asked.
        start: What the model's adapter was set to.
        processes: Those that train with this one; under privacy this one trains alone.
    """

    ledger: PrivacyLedger
    task: Task
    start: Mapping[str, "Tensor"]
    processes: "Processes | None" = None

    def run(
        self,
        model: "PeftModel",
        examples: Sequence[TokenizedExample],
        plan: TrainingPlan,
        *,
        pad_token_id: int,
        steps: Steps,
    ) -> Trained:
        """Train, and give back copies of the trained factors as they may be sent.

        Raises:
            NothingToLearn: `examples` is empty.
            TaskRefused: The task's privacy cannot be given here.
            BudgetSpent: It would pass the budget; nothing was trained.
            RecipeError: The ``product`` mechanism with a start or factors that it cannot protect.
            PrivateAdapterBroken: What was trained is not what would be sent.
            Diverged: The loss or its gradient is not finite.
        """
        privacy = self._privacy(len(examples))
        work = _Work(model, examples, plan, pad_token_id, steps)
        match privacy.mechanism:
            case "none":
                result = self._train(work)
                return Trained(self._copies(model), result, None)
            case "dp_sgd":
                result, tensors = self._train_by_dp_sgd(work, privacy)
            case "product":
                result, tensors = self._train_then_noise(work, privacy)
        return Trained(tensors, result, self.ledger.epsilon(delta=privacy.delta))

    def _privacy(self, num_examples: int) -> PrivacyConfig:
        """What the task promises, if that is worth anything for so many examples."""
        privacy = privacy_of(self.task)
        if privacy.mechanism != "none" and privacy.delta * num_examples >= 1:
            # Giving away one example in full, now and then, would keep to such a delta.
            raise TaskRefused(f"delta {privacy.delta:g} is not below one over this site's examples")
        return privacy

    @property
    def _release(self) -> Release:
        return Release(self.task.run, self.task.round, self.task.nonce)

    @property
    def _factors(self) -> frozenset[Factor]:
        return frozenset(self.task.trains)

    def _train(self, work: "_Work") -> TrainingResult:
        return train(
            work.model,
            work.examples,
            work.plan,
            pad_token_id=work.pad_token_id,
            observer=work.steps,
            trained_factors=self._factors,
            processes=None if self.task.is_private else self.processes,
        )

    def _train_by_dp_sgd(
        self, work: "_Work", privacy: PrivacyConfig
    ) -> "tuple[TrainingResult, dict[str, Tensor]]":
        result = train_privately(
            work.model,
            work.examples,
            work.plan,
            privacy,
            pad_token_id=work.pad_token_id,
            ledger=self.ledger,
            release=self._release,
            observer=work.steps,
            trained_factors=self._factors,
        )
        tensors = self._copies(work.model)
        self._check(work, tensors)
        return result, tensors

    def _train_then_noise(
        self, work: "_Work", privacy: PrivacyConfig
    ) -> "tuple[TrainingResult, dict[str, Tensor]]":
        self.ledger.reserve(
            product_spending(self._release, privacy),
            delta=privacy.delta,
            epsilon_budget=privacy.epsilon_budget,
        )
        result = self._train(work)
        tensors = privatise_product(
            self._copies(work.model),
            self.start,
            self.task.shape,
            clip=privacy.clip,
            noise_multiplier=privacy.noise_multiplier,
        )
        return result, tensors

    def _copies(self, model: "PeftModel") -> "dict[str, Tensor]":
        found = trained_tensors(model, self._factors)
        return {name: tensor.cpu().float().clone() for name, tensor in found.items()}

    def _check(self, work: "_Work", tensors: "Mapping[str, Tensor]") -> None:
        """Write what is to be sent as a file, and see that it answers as the model does.

        The same tensors give the same bytes, so this is the file that leaves with codec ``none``;
        with another codec it is what gets encoded.
        """
        shape = self.task.shape
        with tempfile.TemporaryDirectory(prefix="medley-private-") as folder:
            path = Path(folder) / "contribution.safetensors"
            write_contribution(path, tensors, self.start, NO_CODEC, None)
            saved = ContributionFile(path, adapter_of(self.start, shape), shape, NO_CODEC)
            check_saved(work.model, saved, _probe(work.model), pad_token_id=work.pad_token_id)


@dataclass(frozen=True, slots=True)
class _Work:
    """What a training is given."""

    model: "PeftModel"
    examples: Sequence[TokenizedExample]
    plan: TrainingPlan
    pad_token_id: int
    steps: Steps


def _probe(model: "PeftModel") -> list[TokenizedExample]:
    """Drawn tokens, none of the site's: how far two answers differ is told to the coordinator."""
    random = Random(0)  # noqa: S311 - any tokens will do
    # Those with a meaning of their own, for images and the like, come late in a vocabulary.
    size = min(len(model.get_input_embeddings().weight), 1000)
    rows = [tuple(random.randrange(size) for _ in range(length)) for length in _PROBE_LENGTHS]
    return [TokenizedExample(row, row) for row in rows]


def privacy_of(task: Task) -> PrivacyConfig:
    """What a task promises about the data.

    Raises:
        TaskRefused: This version of the software cannot read it.
    """
    try:
        return PrivacyConfig.model_validate(task.privacy)
    except ValidationError as error:
        flaw = error.errors()[0]
        where = ".".join(str(part) for part in flaw["loc"])
        raise TaskRefused(
            f"the task's privacy cannot be given here: {where}: {flaw['msg']}"
        ) from error
