from dataclasses import replace
from pathlib import Path

import pytest
from medley_training.errors import PrivateAdapterBroken
from medley_training.factors import AdapterFile, adapter_of, tensors_of, write_adapter
from medley_training.local.lora import WEIGHTS_FILE, adapter_tensors
from medley_training.privacy.check import check_moved, check_saved

from tests.unit.training.privacy.private_training import PLAN, SHAPE, adapter, trained, wrapped
from tests.unit.training.tiny_base import copying_examples

PROBE = copying_examples(3)


def test_a_privately_trained_adapter_answers_from_disk_as_in_memory(tmp_path: Path) -> None:
    model = wrapped()
    trained(tmp_path, model, plan=replace(PLAN, max_steps=2))
    write_adapter(adapter_of(adapter_tensors(model), SHAPE), tmp_path, SHAPE, base_name="tiny")

    check_saved(model, AdapterFile(tmp_path / WEIGHTS_FILE, SHAPE), PROBE, pad_token_id=0)


def test_the_start_saved_in_its_place_is_noticed(tmp_path: Path) -> None:
    model = wrapped()
    start = adapter_of({n: t.clone() for n, t in adapter_tensors(model).items()}, SHAPE)
    trained(tmp_path, model, plan=replace(PLAN, max_steps=2))

    with pytest.raises(PrivateAdapterBroken, match="away from those in memory"):
        check_saved(model, start, PROBE, pad_token_id=0)


def test_layers_that_do_not_answer_are_noticed(tmp_path: Path) -> None:
    """The forward pass uses other tensors than those that are saved."""
    from torch.nn import Linear

    model = wrapped()
    saved = adapter_of({n: t.clone() for n, t in adapter_tensors(model).items()}, SHAPE)
    layer = model.get_base_model().model.layers[0].self_attn.q_proj.lora_B["default"]
    layer.forward = Linear(2, 32, bias=False).forward

    with pytest.raises(PrivateAdapterBroken):
        check_saved(model, saved, PROBE, pad_token_id=0)


def test_nan_is_no_agreement() -> None:
    model = wrapped()
    saved = {n: t.clone() for n, t in adapter_tensors(model).items()}
    next(iter(saved.values())).fill_(float("nan"))

    with pytest.raises(PrivateAdapterBroken):
        check_saved(model, adapter_of(saved, SHAPE), PROBE, pad_token_id=0)


def test_checking_leaves_the_model_as_it_was() -> None:
    import torch

    model = wrapped()
    model.train()
    for name, parameter in model.named_parameters():
        parameter.requires_grad_("lora_B" in name)
    before = adapter(model)
    trainable = {n for n, p in model.named_parameters() if p.requires_grad}
    state = torch.random.get_rng_state()
    saved = adapter_of({n: t.clone() for n, t in adapter_tensors(model).items()}, SHAPE)

    check_saved(model, saved, PROBE, pad_token_id=0)

    assert model.training
    assert model.active_adapter == "default"
    assert list(model.peft_config) == ["default"]
    assert {n for n, p in model.named_parameters() if p.requires_grad} == trainable
    assert all(tensor.equal(before[name]) for name, tensor in adapter(model).items())
    assert torch.random.get_rng_state().equal(state)
    assert dict(tensors_of(saved)).keys() == adapter_tensors(model).keys()


def test_each_tensor_must_have_moved() -> None:
    before = adapter(wrapped())
    after = {name: tensor + 1 for name, tensor in before.items()}
    check_moved(before, after)
    name = sorted(before)[3]
    after[name] = before[name].clone()

    with pytest.raises(PrivateAdapterBroken, match=name):
        check_moved(before, after)


def test_nothing_trainable_is_no_private_step() -> None:
    with pytest.raises(PrivateAdapterBroken, match="nothing trainable"):
        check_moved({}, {})
