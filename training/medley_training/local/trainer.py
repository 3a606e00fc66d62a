"""One participant's training: AdamW steps over its own examples, alike for the same seed."""

import logging
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from time import perf_counter
from typing import TYPE_CHECKING, Any, TypeAlias

from medley_training.data.batches import Batch, batches_by_length
from medley_training.data.formatting import TokenizedExample
from medley_training.errors import Diverged, NothingToLearn
from medley_training.local.loss import completion_loss
from medley_training.local.schedule import learning_rate_factor

if TYPE_CHECKING:
    from peft import PeftModel

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingPlan:
    """How long and how fast to train.

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

    def __post_init__(self) -> None:
        counts = (self.epochs, self.batch_tokens, self.accumulated_batches)
        if min(counts) < 1 or min(self.learning_rate, self.max_gradient_norm) <= 0:
            raise ValueError(f"not a plan that trains: {self}")
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
) -> TrainingResult:
    """Train the model's adapter in place; only parameters that require a gradient change.

    Run it inside `reproducible` for the same bytes each time: the order of the examples depends on
    `plan.seed` alone, the arithmetic on the scope's threads and kernels.

    Raises:
        NothingToLearn: `examples` is empty.
        Diverged: The loss or its gradient is not finite; the adapter must not be used.
    """
    if not examples:
        raise NothingToLearn("no examples to train on")
    steps = list(_plan_steps(examples, plan))
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer, scheduler = _optimizer(parameters, plan, total_steps=len(steps))
    losses: list[float] = []
    num_tokens, started = 0, perf_counter()
    model.train()
    for step in steps:
        losses.append(_accumulate(model, step, pad_token_id=pad_token_id))
        _apply(parameters, optimizer, scheduler, max_norm=plan.max_gradient_norm)
        num_tokens += sum(len(example) for batch in step for example in batch)
        if observer is not None:
            elapsed_s = perf_counter() - started
            observer(StepReport(len(losses), len(steps), losses[-1], num_tokens, elapsed_s))
    model.eval()
    return TrainingResult(tuple(losses), len(examples), num_tokens, perf_counter() - started)


def _plan_steps(
    examples: Sequence[TokenizedExample], plan: TrainingPlan
) -> Iterator[Sequence[Batch]]:
    random = Random(plan.seed)  # noqa: S311 - an order of examples, not a secret
    for _ in range(plan.epochs):
        batches = batches_by_length(examples, random, max_tokens=plan.batch_tokens)
        for start in range(0, len(batches), plan.accumulated_batches):
            yield batches[start : start + plan.accumulated_batches]


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


def _accumulate(model: "PeftModel", step: Sequence[Batch], *, pad_token_id: int) -> float:
    """Add up the gradients of one step and return its mean loss.

    Dividing by the completion tokens of the whole step makes the gradient independent of how the
    step was cut into batches.
    """
    num_targets = sum(example.num_completion_tokens for batch in step for example in batch)
    total = 0.0
    for batch in step:
        loss = completion_loss(model, batch, pad_token_id=pad_token_id) / num_targets
        loss.backward()
        total += float(loss.detach())
    if not math.isfinite(total):
        raise Diverged(f"the loss became {total}")
    return total


def _apply(parameters: list[Any], optimizer: Any, scheduler: Any, *, max_norm: float) -> None:
    from torch.nn.utils import clip_grad_norm_

    norm = float(clip_grad_norm_(parameters, max_norm))
    if not math.isfinite(norm):
        raise Diverged(f"the gradient's norm became {norm}")
    optimizer.step()
    scheduler.step()
    optimizer.zero_grad(set_to_none=True)
