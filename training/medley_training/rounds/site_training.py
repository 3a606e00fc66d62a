"""A site's real work: LoRA training and evaluation of its own data on its own copy of the base."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medley_registry.base_folder import read_base
from medley_registry.digest import Digest

from medley_training.data.formatting import TokenizedExample, tokenize_example
from medley_training.data.labelled import LabelledExample, SiteData
from medley_training.errors import NothingToLearn
from medley_training.evaluation.evaluate import evaluate
from medley_training.evaluation.loss import score_loss
from medley_training.evaluation.plan import EvaluationPlan
from medley_training.evaluation.scores import Scores, pooled
from medley_training.identity.task import Task
from medley_training.local.base import BasePrecision, load_base
from medley_training.local.determinism import reproducible
from medley_training.local.lora import LoraShape, set_adapter, wrap
from medley_training.local.processes import Processes
from medley_training.privacy.accountant import PrivacyLedger
from medley_training.privacy.limit import PrivacyLimit
from medley_training.rounds.assignment import Assignment
from medley_training.rounds.learner import HeldOut, Learnt, Steps
from medley_training.rounds.private_training import PrivateTraining

if TYPE_CHECKING:
    from peft import PeftModel
    from torch import Tensor

_LOSS_EXAMPLES = 64


class SiteTraining:
    """A site that trains for real.

    Args:
        base: The base model's folder.
        precision: How it is loaded.
        data: The site's own examples.
        ledger: The file in which the site keeps what privacy it has spent.
        limit: What the site itself allows to be spent, whatever it is asked.
        threads: How many threads torch may use; part of what makes two runs alike.
        processes: Those that train with this one; each has the whole base on a GPU of its own.
    """

    def __init__(
        self,
        base: Path,
        precision: BasePrecision,
        data: SiteData,
        *,
        ledger: Path,
        limit: PrivacyLimit | None = None,
        threads: int = 1,
        processes: Processes | None = None,
    ) -> None:
        self._folder = base
        self._precision = precision
        self._data = data
        self._ledger = PrivacyLedger(ledger)
        self._limit = limit
        self._threads = threads
        self._processes = processes

    @property
    def base(self) -> Digest:
        """The identity of the base model, by the content of its files."""
        return base_identity(self._folder)

    @property
    def quantization(self) -> str:
        """How the base is loaded, as tasks and statements name it."""
        return self._precision.name

    def learn(self, task: Task, start: Mapping[str, "Tensor"], steps: Steps) -> Learnt:
        """Train from `start` as the task says.

        Raises:
            TaskRefused: It promises less privacy than the site's own limit demands.
            NothingToLearn: No example has a completion within the token limit.
            BudgetSpent: The task would pass the privacy budget.
            Diverged: The loss stopped being finite.
        """
        if self._limit:
            task = replace(task, privacy=self._limit.within(task.privacy))
        assignment = Assignment.from_json(task.plan)
        examples = self._tokenized(assignment.max_tokens)[: task.max_examples]
        with reproducible(task.seed, threads=self._threads), self._wrapped(task.shape) as model:
            set_adapter(model, start)
            loss_of_start = self._loss(model, examples) if assignment.wants_loss else None
            training = PrivateTraining(self._ledger, task, start, self._processes)
            done = training.run(
                model, examples, assignment.training, pad_token_id=self._pad, steps=steps
            )
        losses = done.result.losses
        tenth = max(1, len(losses) // 10)
        return Learnt(
            tensors=done.tensors,
            loss_first=_mean(losses[:tenth]),
            loss_last=_mean(losses[-tenth:]),
            loss_of_start=loss_of_start,
            num_examples=done.result.num_examples,
            num_tokens=done.result.num_tokens,
            duration_s=done.result.duration_s,
            epsilon=done.epsilon,
        )

    @cached_property
    def held_out(self) -> HeldOut:
        """What `score` scores on."""
        examples = self._data.held_out
        numbers: dict[str, int] = {}
        groups = tuple(numbers.setdefault(each.group, len(numbers)) for each in examples)
        return HeldOut(Digest.of("\n".join(each.digest for each in examples).encode()), groups)

    def score(
        self, adapter: Mapping[str, "Tensor"], shape: LoraShape, plan: EvaluationPlan
    ) -> list[Scores]:
        """How the adapter does on each example this site held out, measured as the plan says."""
        with reproducible(0, threads=self._threads), self._wrapped(shape) as model:
            set_adapter(model, adapter)
            return evaluate(model, self._tokenizer, self._data.held_out, plan)

    def _tokenized(self, max_tokens: int) -> list[TokenizedExample]:
        found = list(_fitting(self._data.train, self._tokenizer, max_tokens=max_tokens))
        if not found:
            raise NothingToLearn(f"no example has a completion within {max_tokens} tokens")
        return found

    def _loss(self, model: "PeftModel", examples: Sequence[TokenizedExample]) -> float:
        scores = score_loss(model, examples[:_LOSS_EXAMPLES], pad_token_id=self._pad)
        return pooled(scores).metrics()["loss"]

    @cached_property
    def _tokenizer(self) -> Any:
        from transformers import AutoTokenizer

        return AutoTokenizer.from_pretrained(self._folder)

    @property
    def _pad(self) -> int:
        pad = self._tokenizer.pad_token_id
        return int(self._tokenizer.eos_token_id if pad is None else pad)

    @contextmanager
    def _wrapped(self, shape: LoraShape) -> Iterator["PeftModel"]:
        """The base with an adapter of this shape; afterwards the base is bare again."""
        device = self._processes.device if self._processes else None
        base = _loaded(self._folder, self._precision, device)
        model = wrap(base, shape)
        try:
            yield model
        finally:
            model.unload()


@lru_cache(maxsize=1)
def _loaded(folder: Path, precision: BasePrecision, device: str | None) -> Any:
    """One base in memory, however many sites of this process train on it in turn."""
    return load_base(
        folder, quantization=precision.quantization, dtype=precision.dtype, device=device
    )


@lru_cache
def base_identity(folder: Path) -> Digest:
    """The identity of a base model's content; its weights are hashed once per process."""
    return read_base("base", folder).base_id


def _fitting(
    examples: Sequence[LabelledExample], tokenizer: Any, *, max_tokens: int
) -> Iterator[TokenizedExample]:
    for labelled in examples:
        try:
            yield tokenize_example(labelled.example, tokenizer, max_tokens=max_tokens)
        except NothingToLearn:
            continue


def _mean(losses: Sequence[float]) -> float:
    return sum(losses) / len(losses)
