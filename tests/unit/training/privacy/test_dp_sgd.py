import logging
from dataclasses import replace
from importlib import reload
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from medley_training.data.batches import Batch
from medley_training.errors import (
    BudgetSpent,
    Diverged,
    NothingToLearn,
    PrivateAdapterBroken,
)
from medley_training.local.trainer import StepReport, TrainingPlan, train
from medley_training.privacy import dp_sgd
from medley_training.privacy.accountant import PrivacyLedger
from medley_training.privacy.config import PrivacyConfig
from medley_training.privacy.example_losses import example_losses
from medley_training.privacy.quiet_opacus import quiet_opacus
from medley_training.privacy.randomness import Randomness

from tests.unit.training.privacy.private_training import (
    PLAN,
    PRIVACY,
    RELEASE,
    adapter,
    silent,
    trained,
    wrapped,
)
from tests.unit.training.tiny_base import copying_examples

pytestmark = pytest.mark.slow

if TYPE_CHECKING:
    from peft import PeftModel
    from torch import Tensor


def _one_by_one(model: "PeftModel", batch: Batch) -> "list[dict[str, Tensor]]":
    """Each example's gradient by a backward pass of its own, without Opacus."""
    gradients = []
    for example in batch:
        model.zero_grad()
        example_losses(model, (example,), pad_token_id=0).sum().backward()
        gradients.append(
            {n: p.grad.clone() for n, p in model.named_parameters() if p.requires_grad}
        )
    model.zero_grad()
    return gradients


@pytest.mark.parametrize("checkpointing", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_opacus_takes_pefts_gradients_apart_as_one_backward_per_example_does(
    dtype: str, checkpointing: bool
) -> None:
    """So opacus#820, reported of Opacus 1.5.4 and PEFT 0.18, does not hold for these versions."""
    model, batch = wrapped(dtype=dtype), tuple(copying_examples(6))
    model.train()
    expected = _one_by_one(model, batch)

    with dp_sgd._per_example_gradients(model):
        if checkpointing:
            with dp_sgd._gradient_checkpointing(model):
                example_losses(model, batch, pad_token_id=0).sum().backward()
        else:
            example_losses(model, batch, pad_token_id=0).sum().backward()
        found = {n: p.grad_sample.clone() for n, p in model.named_parameters() if p.requires_grad}

    assert len(found) == 8
    for name, gradients in found.items():
        assert gradients.shape[0] == 6
        for row, gradient in enumerate(gradients):
            true = expected[row][name]
            assert float(true.norm()) > 0
            error = float((gradient - true).norm() / true.norm())
            assert error < (1e-5 if dtype == "float32" else 0.05)


def test_a_step_is_the_mean_of_clipped_gradients_however_it_is_cut_into_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Plain SGD in AdamW's place shows the gradient that was applied."""
    import torch

    monkeypatch.setattr(
        "torch.optim.AdamW", lambda params, lr, weight_decay: torch.optim.SGD(params, lr=1.0)
    )
    batch = tuple(copying_examples(12))
    reference = wrapped()
    expected = {name: torch.zeros_like(tensor) for name, tensor in adapter(reference).items()}
    norms = []
    for gradients in _one_by_one(reference, batch):
        norms.append(float(torch.cat([g.flatten() for g in gradients.values()]).norm()))
        for name, gradient in gradients.items():
            expected[name] -= gradient * min(1.0, 0.36 / norms[-1]) / 12

    assert min(norms) < 0.36 < max(norms)
    for batch_tokens in (20, 1000):
        model = wrapped()
        before = adapter(model)
        plan = replace(PLAN, max_steps=1, batch_tokens=batch_tokens, warmup_share=0.0)
        clipped = PRIVACY.model_copy(update={"clip": 0.36})
        trained(tmp_path, model, plan=plan, privacy=clipped, randomness=silent(0))
        for name, tensor in adapter(model).items():
            torch.testing.assert_close(tensor - before[name], expected[name], rtol=1e-3, atol=1e-6)


def test_the_noise_has_the_promised_spread_in_every_tensor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    monkeypatch.setattr(
        "torch.optim.AdamW", lambda params, lr, weight_decay: torch.optim.SGD(params, lr=1.0)
    )
    plan = replace(PLAN, max_steps=1, warmup_share=0.0)
    loud = PRIVACY.model_copy(update={"noise_multiplier": 24.0})
    quiet_model, model = wrapped(), wrapped()
    trained(tmp_path, quiet_model, plan=plan, privacy=loud, randomness=silent(0))

    trained(tmp_path, model, plan=plan, privacy=loud, randomness=Randomness())

    for name, tensor in adapter(model).items():
        noise = tensor - adapter(quiet_model)[name]
        # 24 * 0.5 / 12 per number; the smallest tensor has 32 of them.
        assert 0.5 < float(noise.std()) < 1.6
    everything = torch.cat(
        [(t - adapter(quiet_model)[n]).flatten() for n, t in adapter(model).items()]
    )
    assert float(everything.std()) == pytest.approx(1.0, rel=0.2)


def test_only_the_trained_factor_changes_and_all_of_it(tmp_path: Path) -> None:
    model = wrapped()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}

    trained(tmp_path, model, trained_factors=frozenset("B"))

    changed = {n for n, tensor in model.state_dict().items() if not tensor.equal(before[n])}
    assert changed == {name for name in before if "lora_B" in name}


def test_the_loss_falls(tmp_path: Path) -> None:
    model = wrapped()
    privacy = PrivacyConfig(mechanism="dp_sgd", clip=1.0, noise_multiplier=0.1, batch_examples=12)

    result = trained(
        tmp_path,
        model,
        count=12,
        plan=replace(PLAN, max_steps=16, learning_rate=0.1),
        privacy=privacy,
    )

    assert result.losses[-1] < 0.93 * result.losses[0]
    assert result.num_examples == 12


def test_the_same_randomness_gives_the_same_adapter_and_the_systems_does_not(
    tmp_path: Path,
) -> None:
    def run(randomness: Randomness | None) -> "dict[str, Tensor]":
        model = wrapped()
        trained(tmp_path, model, randomness=randomness)
        return adapter(model)

    first, again = run(Randomness.seeded(5)), run(Randomness.seeded(5))
    one, other = run(None), run(None)

    assert all(tensor.equal(again[name]) for name, tensor in first.items())
    assert not any(tensor.equal(other[name]) for name, tensor in one.items())


def test_examples_are_drawn_independently(tmp_path: Path) -> None:
    reports: list[StepReport] = []
    rare = PRIVACY.model_copy(update={"batch_examples": 1})

    result = trained(
        tmp_path, wrapped(), plan=replace(PLAN, max_steps=40), privacy=rare, observer=reports.append
    )

    tokens = [b.num_tokens - a.num_tokens for a, b in pairwise(reports)]
    assert 0 in tokens, "a draw of nobody is a step all the same"
    assert max(tokens) > max(len(example) for example in copying_examples(12))
    assert [report.step for report in reports] == list(range(1, 41))
    assert {report.total_steps for report in reports} == {40}
    assert len(result.losses) == 40


@pytest.mark.parametrize(
    ("plan", "batch_examples", "steps", "rate"),
    [
        (replace(PLAN, epochs=2), 4, 6, 1 / 3),
        (replace(PLAN, epochs=1), 5, 3, 5 / 12),
        (replace(PLAN, epochs=3), 50, 3, 1.0),
        (replace(PLAN, max_steps=7), 4, 7, 1 / 3),
    ],
)
def test_a_training_is_paid_for_before_its_first_step(
    tmp_path: Path, plan: TrainingPlan, batch_examples: int, steps: int, rate: float
) -> None:
    privacy = PRIVACY.model_copy(update={"batch_examples": batch_examples})

    spending = dp_sgd.planned_spending(RELEASE, plan, privacy, num_examples=12)

    assert spending.steps == steps
    assert spending.sample_rate == pytest.approx(rate)
    result = trained(tmp_path, wrapped(), plan=plan, privacy=privacy)
    assert len(result.losses) == steps
    assert PrivacyLedger(tmp_path / "ledger.json").spendings() == (spending,)


def test_a_spent_budget_leaves_the_model_and_the_ledger_as_they_were(tmp_path: Path) -> None:
    model = wrapped()
    before = adapter(model)

    with pytest.raises(BudgetSpent, match=r"the budget is 0\.1"):
        trained(tmp_path, model, privacy=PRIVACY.model_copy(update={"epsilon_budget": 0.1}))

    assert all(tensor.equal(before[name]) for name, tensor in adapter(model).items())
    assert PrivacyLedger(tmp_path / "ledger.json").spendings() == ()


def test_a_crash_in_the_middle_is_paid_for(tmp_path: Path) -> None:
    def crash(_: StepReport) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path, wrapped(), observer=crash)

    ledger = PrivacyLedger(tmp_path / "ledger.json")
    spent = ledger.epsilon(delta=1e-5)
    assert spent > 0
    trained(tmp_path, wrapped())
    assert ledger.epsilon(delta=1e-5) == spent, "the same task is paid once"
    trained(tmp_path, wrapped(), release=replace(RELEASE, nonce="asked again"))
    assert ledger.epsilon(delta=1e-5) > spent, "another task for the same round is not"


def test_the_model_trains_on_as_usual_afterwards(tmp_path: Path) -> None:
    model = wrapped()
    trained(tmp_path, model)

    leftovers = {
        name
        for parameter in model.parameters()
        for name in ("grad_sample", "summed_grad", "_forward_counter")
        if hasattr(parameter, name)
    }
    assert not leftovers
    assert not model.training
    assert all(parameter.grad is None for parameter in model.parameters())
    before = adapter(model)
    train(model, copying_examples(4), PLAN, pad_token_id=0)
    assert not any(tensor.equal(before[name]) for name, tensor in adapter(model).items())


def test_the_proximal_term_pulls_towards_the_start(tmp_path: Path) -> None:
    import torch

    def drift(mu: float) -> float:
        model = wrapped()
        before = adapter(model)
        plan = replace(PLAN, max_steps=8, proximal_mu=mu)
        trained(tmp_path, model, plan=plan, randomness=silent(2))
        moved = [(t - before[n]).flatten() for n, t in adapter(model).items()]
        return float(torch.cat(moved).norm())

    assert drift(20.0) < 0.8 * drift(0.0)


def test_checkpointing_changes_nothing_but_the_memory(tmp_path: Path) -> None:
    import torch

    models = wrapped(), wrapped()
    for model, checkpointing in zip(models, (False, True), strict=True):
        plan = replace(PLAN, gradient_checkpointing=checkpointing)
        trained(tmp_path, model, plan=plan)

    for name, tensor in adapter(models[0]).items():
        torch.testing.assert_close(adapter(models[1])[name], tensor, rtol=1e-4, atol=1e-5)


def test_layers_that_opacus_does_not_see_are_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.optim.AdamW.step", lambda self, closure=None: None)

    with pytest.raises(PrivateAdapterBroken, match="lora_A"):
        trained(tmp_path, wrapped())


def test_no_examples_are_refused_and_cost_nothing(tmp_path: Path) -> None:
    with pytest.raises(NothingToLearn):
        trained(tmp_path, wrapped(), count=0)

    assert not (tmp_path / "ledger.json").exists()


def test_a_loss_that_is_not_finite_stops_the_training(tmp_path: Path) -> None:
    model = wrapped()
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data.fill_(float("nan"))

    with pytest.raises(Diverged, match="nan"):
        trained(tmp_path, model, privacy=PRIVACY)

    assert not any(hasattr(parameter, "grad_sample") for parameter in model.parameters())


def test_opacus_leaves_the_programs_logging_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    from opacus.utils import module_utils

    handlers: list[logging.Handler] = []
    monkeypatch.setattr(logging.getLogger(), "handlers", handlers)

    with quiet_opacus():
        reload(module_utils)

    assert handlers == []
    reload(module_utils)
    assert len(handlers) == 1, "where it no longer does that, the scope is not needed any more"
