"""DP-SGD on a LoRA adapter: nobody can tell from it whether one given example was learnt from.

Abadi et al., "Deep Learning with Differential Privacy", arXiv:1607.00133, algorithm 1: every step
draws each example with the same probability, clips each one's gradient over all trained tensors
together, adds Gaussian noise to their sum, and divides by the number expected. Opacus takes the
gradients apart and clips them.

The guarantee is for the adapter. Losses are computed on the data as it is: a site that reports them
says more than epsilon covers.
"""

import math
import warnings
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from random import Random
from time import perf_counter
from typing import TYPE_CHECKING, Any

from medley_training.data.batches import batches_by_length
from medley_training.data.formatting import TokenizedExample
from medley_training.errors import Diverged, NothingToLearn
from medley_training.local.lora import BOTH_FACTORS, Factor
from medley_training.local.proximal import ProximalTerm
from medley_training.local.schedule import learning_rate_factor
from medley_training.local.trained_factors import training_only
from medley_training.local.trainer import Observer, StepReport, TrainingPlan, TrainingResult
from medley_training.privacy.accountant import PrivacyLedger, Release, Spending
from medley_training.privacy.check import check_moved
from medley_training.privacy.config import PrivacyConfig
from medley_training.privacy.example_losses import example_losses
from medley_training.privacy.quiet_opacus import quiet_opacus
from medley_training.privacy.randomness import Randomness

if TYPE_CHECKING:
    from peft import PeftModel
    from torch.nn import Parameter


def planned_spending(
    release: Release, plan: TrainingPlan, privacy: PrivacyConfig, *, num_examples: int
) -> Spending:
    """What a training would spend: `plan.max_steps`, or as many steps as make up its epochs."""
    sample_rate = min(1.0, privacy.batch_examples / num_examples)
    return Spending(
        release=release,
        sample_rate=sample_rate,
        noise_multiplier=privacy.noise_multiplier,
        steps=plan.max_steps or math.ceil(plan.epochs / sample_rate),
    )


def train_privately(
    model: "PeftModel",
    examples: Sequence[TokenizedExample],
    plan: TrainingPlan,
    privacy: PrivacyConfig,
    *,
    pad_token_id: int,
    ledger: PrivacyLedger,
    release: Release,
    observer: Observer | None = None,
    trained_factors: frozenset[Factor] = BOTH_FACTORS,
    randomness: Randomness | None = None,
) -> TrainingResult:
    """Train the model's adapter in place as `train` does, with `privacy` for each example.

    The draws and the noise come from the operating system, so two trainings differ. What the plan
    says about accumulating and clipping does not apply: a step's draw goes through the model in
    batches of `plan.batch_tokens`, and `privacy.clip` bounds each example.

    Args:
        model: What `wrap` returned.
        examples: What is protected: one example's presence. A row that packs several counts as one.
        plan: How long and how fast.
        privacy: How much.
        pad_token_id: Fills short rows of a batch; it does not change the result.
        ledger: Where the whole training is paid for before its first step.
        release: What is paid for.
        observer: Told after every optimizer step; a step that drew nothing repeats the last loss.
        trained_factors: The factors that change.
        randomness: Another source of it, for tests; the result is then not private.

    Raises:
        NothingToLearn: `examples` is empty.
        BudgetSpent: The training would pass the budget; the model is as it was.
        Diverged: The loss or its gradient is not finite; the adapter must not be used.
        PrivateAdapterBroken: A tensor did not change, so Opacus does not see this model's adapter.
    """
    if not examples:
        raise NothingToLearn("no examples to train on")
    spending = planned_spending(release, plan, privacy, num_examples=len(examples))
    ledger.reserve(spending, delta=privacy.delta, epsilon_budget=privacy.epsilon_budget)
    with ExitStack() as scope:
        scope.enter_context(training_only(model, trained_factors))
        if plan.gradient_checkpointing:
            scope.enter_context(_gradient_checkpointing(model))
        model.train()
        scope.callback(model.eval)
        scope.enter_context(_per_example_gradients(model))
        training = _PrivateTraining(
            model,
            examples,
            plan,
            privacy=privacy,
            spending=spending,
            pad_token_id=pad_token_id,
            randomness=randomness or Randomness(),
        )
        return training.run(observer)


class _PrivateTraining:
    """The state of one private training while it lasts."""

    def __init__(
        self,
        model: "PeftModel",
        examples: Sequence[TokenizedExample],
        plan: TrainingPlan,
        *,
        privacy: PrivacyConfig,
        spending: Spending,
        pad_token_id: int,
        randomness: Randomness,
    ) -> None:
        self._model = model
        self._examples = examples
        self._plan = plan
        self._spending = spending
        self._pad_token_id = pad_token_id
        self._randomness = randomness
        named = [(name, each) for name, each in model.named_parameters() if each.requires_grad]
        self._parameters = dict(named)
        self._expected = spending.sample_rate * len(examples)
        self._noise = privacy.noise_multiplier * privacy.clip / self._expected
        self._proximal = (
            ProximalTerm(list(self._parameters.values()), plan.proximal_mu)
            if plan.proximal_mu
            else None
        )
        self._optimizer, self._scheduler = self._make_optimizer(privacy.clip)
        self._order = Random(plan.seed)  # noqa: S311 - an order of batches, not a secret

    def run(self, observer: Observer | None) -> TrainingResult:
        before = {name: each.detach().clone() for name, each in self._parameters.items()}
        losses: list[float] = []
        num_tokens, started = 0, perf_counter()
        for step in range(1, self._spending.steps + 1):
            drawn = self._draw()
            loss = self._step(drawn)
            losses.append(loss if drawn else (losses or [0.0])[-1])
            if step == 1:
                check_moved(before, self._parameters)
            num_tokens += sum(len(example) for example in drawn)
            if observer is not None:
                elapsed_s = perf_counter() - started
                total = self._spending.steps
                observer(StepReport(step, total, losses[-1], num_tokens, elapsed_s))
        duration_s = perf_counter() - started
        return TrainingResult(tuple(losses), len(self._examples), num_tokens, duration_s)

    def _draw(self) -> list[TokenizedExample]:
        """Each example with the same probability, whatever became of the others (Poisson)."""
        lots = self._randomness.uniform(len(self._examples)) <= self._spending.sample_rate
        return [example for example, hit in zip(self._examples, lots.tolist(), strict=True) if hit]

    def _step(self, drawn: Sequence[TokenizedExample]) -> float:
        """One optimizer step; the mean loss per completion token of what was drawn."""
        batches = batches_by_length(drawn, self._order, max_tokens=self._plan.batch_tokens)
        if not batches:
            for parameter in self._parameters.values():
                parameter.grad_sample = parameter.new_zeros((0, *parameter.shape))
        total = 0.0
        for left in reversed(range(len(batches))):
            batch = batches[left]
            losses = example_losses(self._model, batch, pad_token_id=self._pad_token_id)
            losses.sum().backward()
            counts = [example.num_completion_tokens for example in batch]
            total += sum(n * loss for n, loss in zip(counts, losses.tolist(), strict=True))
            if left:
                # Clip and add up this batch's gradients; noise comes once, with the last batch's.
                self._optimizer.signal_skip_step(do_skip=True)
                self._optimizer.step()
                self._optimizer.zero_grad()
        if not math.isfinite(total):
            raise Diverged(f"the loss became {total}")
        self._optimizer.step()
        self._scheduler.step()
        self._optimizer.zero_grad()
        return total / max(1, sum(example.num_completion_tokens for example in drawn))

    def _make_optimizer(self, clip: float) -> tuple[Any, Any]:
        from torch.optim import AdamW
        from torch.optim.lr_scheduler import LambdaLR

        with quiet_opacus():
            from opacus.optimizers import DPOptimizer

        plan, total_steps = self._plan, self._spending.steps
        adamw = AdamW(
            self._parameters.values(), lr=plan.learning_rate, weight_decay=plan.weight_decay
        )
        warmup_steps = math.floor(total_steps * plan.warmup_share)
        scheduler = LambdaLR(
            adamw,
            lambda step: learning_rate_factor(
                step, total_steps=total_steps, warmup_steps=warmup_steps
            ),
        )
        # Its own noise is torch's, which can be predicted: ours is added in its hook.
        optimizer = DPOptimizer(
            adamw, noise_multiplier=0.0, max_grad_norm=clip, expected_batch_size=self._expected
        )
        optimizer.attach_step_hook(self._finish_gradient)
        return optimizer, scheduler

    def _finish_gradient(self, _: object) -> None:
        """Add the noise to the clipped mean gradient, then what does not depend on the data."""
        import torch

        for parameter in self._parameters.values():
            noise = self._randomness.normal(*parameter.shape) * self._noise
            parameter.grad += noise.to(parameter.device, parameter.dtype)
            if not bool(torch.isfinite(parameter.grad).all()):
                raise Diverged("an example's gradient is not finite")
        if self._proximal is not None:
            self._proximal.add_gradient()


@contextmanager
def _per_example_gradients(model: "PeftModel") -> Iterator[None]:
    """Let Opacus hook the trained layers while the scope lasts.

    PEFT keeps each factor in a plain `torch.nn.Linear`, for which Opacus has an exact rule; that it
    is used, and right, is tested against one backward pass per example.
    """
    with quiet_opacus():
        from opacus import GradSampleModule

    hooked = GradSampleModule(model, loss_reduction="sum")
    try:
        with warnings.catch_warnings():
            # The first layer's input is the frozen embeddings' output; its own gradient is right.
            warnings.filterwarnings("ignore", "Full backward hook is firing", UserWarning)
            yield
    finally:
        hooked.to_standard_module()
        for parameter in model.parameters():
            _forget(parameter)


def _forget(parameter: "Parameter") -> None:
    parameter.grad = None
    if hasattr(parameter, "summed_grad"):
        del parameter.summed_grad


@contextmanager
def _gradient_checkpointing(model: "PeftModel") -> Iterator[None]:
    """Checkpointing of the kind whose first pass has no gradient.

    With the other kind both passes have one, and Opacus, which counts them, waits for a second
    gradient and gives none.
    """
    base = model.get_base_model()
    base.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": True})
    base.enable_input_require_grads()
    try:
        yield
    finally:
        base.disable_input_require_grads()
        base.gradient_checkpointing_disable()
