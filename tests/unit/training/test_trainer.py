from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from medley_training.errors import Diverged, NothingToLearn
from medley_training.local.determinism import reproducible
from medley_training.local.lora import (
    WEIGHTS_FILE,
    Factor,
    LoraShape,
    adapter_tensors,
    export,
    trained_tensors,
    wrap,
)
from medley_training.local.loss import completion_loss
from medley_training.local.proximal import ProximalTerm
from medley_training.local.trainer import StepReport, TrainingPlan, TrainingResult, train

from tests.unit.training.tiny_base import copying_examples, tiny_base

SHAPE = LoraShape(rank=2, alpha=4)
PLAN = TrainingPlan(epochs=4, learning_rate=0.05, seed=1, batch_tokens=40)


def _train(folder: Path, *, seed: int) -> tuple[TrainingResult, bytes]:
    with reproducible(seed, threads=1):
        model = wrap(tiny_base(), SHAPE)
        plan = replace(PLAN, seed=seed, epochs=20)
        result = train(model, copying_examples(12), plan, pad_token_id=0)
        export(model, folder, SHAPE, base_name="tiny")
    return result, (folder / WEIGHTS_FILE).read_bytes()


def test_the_loss_falls(tmp_path: Path) -> None:
    result, _ = _train(tmp_path / "a", seed=1)

    assert result.losses[-1] < 0.9 * result.losses[0]
    assert result.num_examples == 12
    assert result.num_tokens == 20 * sum(len(example) for example in copying_examples(12))
    assert result.tokens_per_second == pytest.approx(result.num_tokens / result.duration_s)


def test_the_same_seed_gives_the_same_bytes_and_another_seed_does_not(tmp_path: Path) -> None:
    first, first_bytes = _train(tmp_path / "a", seed=1)
    again, again_bytes = _train(tmp_path / "b", seed=1)
    _, other_bytes = _train(tmp_path / "c", seed=2)

    assert again_bytes == first_bytes
    assert again.losses == first.losses
    assert other_bytes != first_bytes


def test_only_the_adapter_changes() -> None:
    model = wrap(tiny_base(), SHAPE)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}

    train(model, copying_examples(4), PLAN, pad_token_id=0)

    changed = {n for n, tensor in model.state_dict().items() if not tensor.equal(before[n])}
    assert changed
    assert all(".lora_A." in name or ".lora_B." in name for name in changed)


def test_accumulated_batches_give_the_gradient_of_one_large_batch() -> None:
    import torch

    examples = copying_examples(6)
    one_step = replace(PLAN, epochs=1, batch_tokens=1000)
    in_parts = replace(PLAN, epochs=1, batch_tokens=20, accumulated_batches=100)
    trained = []
    for plan in (one_step, in_parts):
        with reproducible(5, threads=1):
            model = wrap(tiny_base(), SHAPE)
            result = train(model, examples, plan, pad_token_id=0)
        assert len(result.losses) == 1
        trained.append((result.losses[0], adapter_tensors(model)))

    (whole_loss, whole), (parts_loss, parts) = trained
    assert parts_loss == pytest.approx(whole_loss, rel=1e-5)
    for name, tensor in whole.items():
        torch.testing.assert_close(parts[name], tensor, rtol=1e-3, atol=1e-4)


def test_padding_and_prompts_add_nothing_to_the_loss() -> None:
    import torch
    from torch.nn.functional import cross_entropy

    model = tiny_base().eval().requires_grad_(False)
    short, long = sorted(copying_examples(8), key=len)[::7]
    assert len(short) < len(long)

    together = completion_loss(model, (short, long), pad_token_id=0)

    alone = 0.0
    for example in (short, long):
        ids = torch.tensor(example.input_ids)
        logits = model(input_ids=ids.unsqueeze(0)).logits[0]
        alone += float(cross_entropy(logits[-4:-1], ids[-3:], reduction="sum"))
    assert float(together) == pytest.approx(alone, rel=1e-5)


def test_an_observer_hears_of_every_step() -> None:
    reports: list[StepReport] = []
    model = wrap(tiny_base(), SHAPE)

    result = train(model, copying_examples(12), PLAN, pad_token_id=0, observer=reports.append)

    assert [report.step for report in reports] == list(range(1, len(result.losses) + 1))
    assert {report.total_steps for report in reports} == {len(result.losses)}
    assert tuple(report.loss for report in reports) == result.losses
    assert reports[-1].num_tokens == result.num_tokens


def test_max_steps_goes_through_the_examples_again_until_then() -> None:
    reports: list[StepReport] = []
    plan = replace(PLAN, epochs=1, max_steps=7)
    model = wrap(tiny_base(), SHAPE)

    result = train(model, copying_examples(12), plan, pad_token_id=0, observer=reports.append)

    one_epoch = train(model, copying_examples(12), replace(PLAN, epochs=1), pad_token_id=0)
    assert len(one_epoch.losses) < 7
    assert len(result.losses) == 7
    assert {report.total_steps for report in reports} == {7}


def test_max_steps_stops_within_an_epoch_and_the_learning_rate_ends_there() -> None:
    import torch

    examples = copying_examples(12)
    trained = []
    for plan in (replace(PLAN, max_steps=2), replace(PLAN, epochs=1, max_steps=2)):
        with reproducible(5, threads=1):
            model = wrap(tiny_base(), SHAPE)
            train(model, examples, plan, pad_token_id=0)
        trained.append(adapter_tensors(model))
    with reproducible(5, threads=1):
        longer = wrap(tiny_base(), SHAPE)
        result = train(longer, examples, replace(PLAN, max_steps=20), pad_token_id=0)

    assert len(result.losses) == 20
    for name, tensor in trained[0].items():
        assert tensor.equal(trained[1][name])
    assert any(
        not torch.equal(tensor, adapter_tensors(longer)[name])
        for name, tensor in trained[0].items()
    )


@pytest.mark.parametrize("factor", ["A", "B"])
def test_a_frozen_factor_keeps_every_bit_and_is_trainable_again_afterwards(factor: Factor) -> None:
    model = wrap(tiny_base(), SHAPE)
    # A fresh B is 0, and so is then A's gradient.
    train(model, copying_examples(4), PLAN, pad_token_id=0)
    before = {name: tensor.clone() for name, tensor in adapter_tensors(model).items()}
    trainable = [name for name, each in model.named_parameters() if each.requires_grad]

    train(model, copying_examples(4), PLAN, pad_token_id=0, trained_factors=frozenset({factor}))

    changed = {n for n, tensor in adapter_tensors(model).items() if not tensor.equal(before[n])}
    assert changed == {name for name in before if f".lora_{factor}." in name}
    assert changed == trained_tensors(model, frozenset({factor})).keys()
    assert trainable == [name for name, each in model.named_parameters() if each.requires_grad]


def test_a_training_of_no_factor_is_refused() -> None:
    with pytest.raises(ValueError, match="A, B or both"):
        train(
            wrap(tiny_base(), SHAPE),
            copying_examples(2),
            PLAN,
            pad_token_id=0,
            trained_factors=frozenset(),
        )


def test_gradient_checkpointing_keeps_less_and_changes_no_bit() -> None:
    import torch

    trained, kept_bytes = [], []
    for checkpointing in (False, True):
        kept = [0]

        def keep(tensor: Any, kept: list[int] = kept) -> Any:
            kept[0] += tensor.nbytes
            return tensor

        with (
            reproducible(5, threads=1),
            torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor),
        ):
            model = wrap(tiny_base(), SHAPE)
            plan = replace(PLAN, gradient_checkpointing=checkpointing)
            train(model, copying_examples(6), plan, pad_token_id=0)
        assert not model.get_base_model().is_gradient_checkpointing
        trained.append(adapter_tensors(model))
        kept_bytes.append(kept[0])

    for name, tensor in trained[0].items():
        assert tensor.equal(trained[1][name])
    assert kept_bytes[1] < 0.5 * kept_bytes[0]


def test_the_proximal_term_adds_its_exact_gradient() -> None:
    import torch

    parameters = [torch.nn.Parameter(torch.randn(3, 2)), torch.nn.Parameter(torch.randn(4))]
    term = ProximalTerm(parameters, 0.3)
    start = [parameter.detach().clone() for parameter in parameters]
    with torch.no_grad():
        for parameter in parameters:
            parameter.add_(torch.randn_like(parameter))
    loss = sum(parameter.pow(3).sum() for parameter in parameters)
    far = sum(((p - s) ** 2).sum() for p, s in zip(parameters, start, strict=True))
    expected = torch.autograd.grad(loss + 0.3 / 2 * far, parameters)

    sum(parameter.pow(3).sum() for parameter in parameters).backward()
    term.add_gradient()

    for parameter, gradient in zip(parameters, expected, strict=True):
        torch.testing.assert_close(parameter.grad, gradient)


def test_a_stronger_proximal_term_stays_nearer_to_the_start() -> None:
    distances = []
    for mu in (0.0, 1.0, 100.0):
        with reproducible(5, threads=1):
            model = wrap(tiny_base(), SHAPE)
            before = {name: tensor.clone() for name, tensor in adapter_tensors(model).items()}
            plan = replace(PLAN, epochs=8, proximal_mu=mu)
            train(model, copying_examples(6), plan, pad_token_id=0)
        after = adapter_tensors(model)
        distances.append(sum(float((after[n] - before[n]).norm()) for n in before))

    assert distances[2] < 0.5 * distances[0]
    assert distances[2] < distances[1] < distances[0]


def test_no_examples_are_refused() -> None:
    with pytest.raises(NothingToLearn):
        train(wrap(tiny_base(), SHAPE), [], PLAN, pad_token_id=0)


def test_a_loss_that_is_not_finite_stops_the_training() -> None:
    model = wrap(tiny_base(), SHAPE)
    for tensor in adapter_tensors(model).values():
        tensor.fill_(float("nan"))

    with pytest.raises(Diverged, match="nan"):
        train(model, copying_examples(2), PLAN, pad_token_id=0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"epochs": 0},
        {"learning_rate": 0.0},
        {"batch_tokens": 0},
        {"warmup_share": 1.0},
        {"max_steps": 0},
        {"max_steps": -1},
        {"proximal_mu": -0.1},
        {"proximal_mu": float("nan")},
    ],
)
def test_a_plan_that_cannot_train_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"plan|warmup|max_steps|proximal"):
        replace(PLAN, **wrong)  # type: ignore[arg-type]


def test_reproducible_gives_back_the_callers_settings() -> None:
    import torch

    threads, state = torch.get_num_threads(), torch.random.get_rng_state()
    other = 2 if threads == 1 else 1

    with reproducible(3, threads=other):
        assert torch.get_num_threads() == other
        assert torch.are_deterministic_algorithms_enabled()
        torch.rand(3)

    assert torch.get_num_threads() == threads
    assert not torch.are_deterministic_algorithms_enabled()
    assert torch.random.get_rng_state().equal(state)


def test_packed_rows_train_the_adapter_that_padded_batches_would() -> None:
    import torch

    found = []
    for packing in (False, True):
        # One step over everything: the order of the examples does not matter then.
        plan = replace(PLAN, epochs=1, batch_tokens=64, accumulated_batches=100, packing=packing)
        with reproducible(1, threads=1):
            model = wrap(tiny_base(), SHAPE)
            train(model, copying_examples(12), plan, pad_token_id=0)
        found.append(adapter_tensors(model))
    padded, packed = found

    for name, tensor in padded.items():
        torch.testing.assert_close(packed[name], tensor, rtol=1e-3, atol=1e-6)
