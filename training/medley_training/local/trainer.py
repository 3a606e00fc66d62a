"""One participant's training: AdamW steps over its own examples, alike for the same seed."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count, islice
from random import Random
from time import perf_counter
from typing import TYPE_CHECKING, Any, TypeAlias

from medley_training.data.batches import Batch, batches_by_length
from medley_training.data.formatting import TokenizedExample
from medley_training.data.packing import PackedRow, pack, packed_loss
from medley_training.errors import Diverged, NothingToLearn
from medley_training.local.checkpointing import gradient_checkpointing
from medley_training.local.lora import BOTH_FACTORS, Factor
from medley_training.local.loss import completion_loss
from medley_training.local.proximal import ProximalTerm
from medley_training.local.schedule import learning_rate_factor
from medley_training.local.trained_factors import training_only

if TYPE_CHECKING:
    from peft import PeftModel

    from medley_training.local.processes import Processes


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingPlan:
    """How long and how fast to train.

    Attributes:
        epochs: How often each example is seen; not used where `max_steps` is set.
        max_steps: Stop after so many optimizer steps, going through the examples again and again
            until then; the learning rate's schedule spans them.
        batch_tokens: The most tokens, padding included, that go through the model at once.
        accumulated_batches: How many batches make one optimizer step.
        gradient_checkpointing: Compute each layer twice instead of keeping what is inside it.
        packing: Fill each batch as one row of several examples, each blind to the others, in place
            of padding examples of similar length; for bases with attention only.
        proximal_mu: FedProx's pull towards where the training starts (`ProximalTerm`); 0 is none.

    Raises:
        ValueError: A value is outside its range.
    """

    epochs: int
    learning_rate: float
    seed: int
    warmup_share: float = 0.05
    weight_decay: float = 0.0
    max_gradient_norm: float = 1.0
    batch_tokens: int = 1024
    accumulated_batches: int = 1
    max_steps: int | None = None
    gradient_checkpointing: bool = False
    packing: bool = False
    proximal_mu: float = 0.0

    def __post_init__(self) -> None:
        counts = (self.epochs, self.batch_tokens, self.accumulated_batches, self.max_steps or 1)
        if min(counts) < 1 or min(self.learning_rate, self.max_gradient_norm) <= 0:
            raise ValueError(f"not a plan that trains: {self}")
        if self.max_steps == 0:
            raise ValueError("max_steps is 0; leave it out to train for whole epochs")
        if not 0 <= self.proximal_mu < math.inf:
            raise ValueError(f"proximal_mu must not be negative or infinite: {self.proximal_mu}")
        if not 0 <= self.warmup_share < 1:
            raise ValueError(f"warmup_share must be in [0, 1), not {self.warmup_share}")


@dataclass(frozen=True, slots=True)
class StepReport:
    """What an observer learns after each optimizer step; `num_tokens` counts from the start."""

    step: int
    total_steps: int
    loss: float
    num_tokens: int
    elapsed_s: float


Observer: TypeAlias = Callable[[StepReport], None]


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """What a finished training did.

    Attributes:
        losses: Mean loss per completion token (nats), one per optimizer step.
        num_examples: Different examples, which is the weight of a contribution.
        num_tokens: Tokens that went through the model, prompts included, padding not.
        duration_s: Wall time of the steps.
    """

    losses: tuple[float, ...]
    num_examples: int
    num_tokens: int
    duration_s: float

    @property
    def tokens_per_second(self) -> float:
        """Tokens trained on per second of wall time."""
        return self.num_tokens / self.duration_s


def train(
    model: "PeftModel",
    examples: Sequence[TokenizedExample],
    plan: TrainingPlan,
    *,
    pad_token_id: int,
    observer: Observer | None = None,
    trained_factors: frozenset[Factor] = BOTH_FACTORS,
    processes: "Processes | None" = None,
) -> TrainingResult:
    """Train the model's adapter in place; only parameters that require a gradient change.

    Run it inside `reproducible` for the same bytes each time: the order of the examples depends on
    `plan.seed` alone, the arithmetic on the scope's threads and kernels.

    Args:
        model: What `wrap` returned.
        examples: What to learn from; with several processes, the same in each.
        plan: How long and how fast.
        pad_token_id: Fills short rows of a batch; it does not change the result.
        observer: Told after every optimizer step.
        trained_factors: The factors that change; the others stay as they are, bit for bit.
        processes: Set where several processes train this one adapter together; each ends with it.

    Raises:
        NothingToLearn: `examples` is empty.
        Diverged: The loss or its gradient is not finite; the adapter must not be used.
    """
    if not examples:
        raise NothingToLearn("no examples to train on")
    with ExitStack() as scope:
        scope.enter_context(training_only(model, trained_factors))
        if plan.gradient_checkpointing:
            scope.enter_context(gradient_checkpointing(model))
        model.train()
        scope.callback(model.eval)
        return _Training(model, examples, plan, pad_token_id, processes).run(observer)


class _Training:
    """The state of one training while it lasts."""

    def __init__(
        self,
        model: "PeftModel",
        examples: Sequence[TokenizedExample],
        plan: TrainingPlan,
        pad_token_id: int,
        processes: "Processes | None",
    ) -> None:
        self._model = model
        self._num_examples = len(examples)
        self._steps = list(_plan_steps(examples, plan))
        self._max_norm = plan.max_gradient_norm
        self._is_packed = plan.packing
        self._pad_token_id = pad_token_id
        self._processes = processes
        self._parameters = [each for each in model.parameters() if each.requires_grad]
        if processes is not None:
            processes.start_alike(self._parameters)
        self._proximal = (
            ProximalTerm(self._parameters, plan.proximal_mu) if plan.proximal_mu else None
        )
        self._optimizer, self._scheduler = _optimizer(
            self._parameters, plan, total_steps=len(self._steps)
        )

    def run(self, observer: Observer | None) -> TrainingResult:
        losses: list[float] = []
        num_tokens, started = 0, perf_counter()
        for step in self._steps:
            losses.append(self._accumulate(step))
            self._apply()
            num_tokens += sum(len(example) for batch in step for example in batch)
            if observer is not None:
                elapsed_s = perf_counter() - started
                observer(
                    StepReport(len(losses), len(self._steps), losses[-1], num_tokens, elapsed_s)
                )
        return TrainingResult(
            tuple(losses), self._num_examples, num_tokens, perf_counter() - started
        )

    def _accumulate(self, step: Sequence[Batch]) -> float:
        """Add up the gradients of one step and return its mean loss.

        Dividing by the completion tokens of the whole step makes the gradient independent of how
        the step was cut into batches and shared between processes.
        """
        num_targets = sum(example.num_completion_tokens for batch in step for example in batch)
        mine = step if self._processes is None else self._processes.share(step)
        total = 0.0
        for batch in mine:
            loss = self._loss(batch) / num_targets
            loss.backward()
            total += float(loss.detach())
        if self._processes is not None:
            total = self._processes.add_up(self._parameters, total)
        if not math.isfinite(total):
            raise Diverged(f"the loss became {total}")
        return total

    def _loss(self, batch: Batch) -> Any:
        if self._is_packed:
            return packed_loss(self._model, PackedRow(batch))
        return completion_loss(self._model, batch, pad_token_id=self._pad_token_id)

    def _apply(self) -> None:
        from torch.nn.utils import clip_grad_norm_

        if self._proximal is not None:
            self._proximal.add_gradient()
        norm = float(clip_grad_norm_(self._parameters, self._max_norm))
        if not math.isfinite(norm):
            raise Diverged(f"the gradient's norm became {norm}")
        self._optimizer.step()
        self._scheduler.step()
        self._optimizer.zero_grad(set_to_none=True)


def _plan_steps(
    examples: Sequence[TokenizedExample], plan: TrainingPlan
) -> Iterator[Sequence[Batch]]:
    epochs = range(plan.epochs) if plan.max_steps is None else count()
    return islice(_steps_of(examples, plan, epochs), plan.max_steps)


def _steps_of(
    examples: Sequence[TokenizedExample], plan: TrainingPlan, epochs: Iterable[int]
) -> Iterator[Sequence[Batch]]:
    random = Random(plan.seed)  # noqa: S311 - an order of examples, not a secret
    for _ in epochs:
        batches = _batches(examples, plan, random)
        for start in range(0, len(batches), plan.accumulated_batches):
            yield batches[start : start + plan.accumulated_batches]


def _batches(
    examples: Sequence[TokenizedExample], plan: TrainingPlan, random: Random
) -> list[Batch]:
    if plan.packing:
        return [row.examples for row in pack(examples, random, max_tokens=plan.batch_tokens)]
    return batches_by_length(examples, random, max_tokens=plan.batch_tokens)


def _optimizer(parameters: list[Any], plan: TrainingPlan, *, total_steps: int) -> tuple[Any, Any]:
    from torch.optim import AdamW
    from torch.optim.lr_scheduler import LambdaLR

    optimizer = AdamW(parameters, lr=plan.learning_rate, weight_decay=plan.weight_decay)
    warmup_steps = math.floor(total_steps * plan.warmup_share)
    scheduler = LambdaLR(
        optimizer,
        lambda step: learning_rate_factor(step, total_steps=total_steps, warmup_steps=warmup_steps),
    )
    return optimizer, scheduler
