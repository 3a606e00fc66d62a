import json
from pathlib import Path

import pytest
from medley_training.errors import AdapterNotReadable, IncompatibleAdapter
from medley_training.local.lora import (
    CONFIG_FILE,
    WEIGHTS_FILE,
    LoraShape,
    adapter_tensors,
    continue_from,
    export,
    read_adapter,
    set_adapter,
    wrap,
)

from tests.unit.training.tiny_base import tiny_base

SHAPE = LoraShape(rank=2, alpha=4)


def _exported(folder: Path, shape: LoraShape = SHAPE) -> Path:
    export(wrap(tiny_base(), shape), folder, shape, base_name="tiny")
    return folder


def test_tensors_have_the_names_that_peft_and_vllm_read(tmp_path: Path) -> None:
    _, tensors = read_adapter(_exported(tmp_path / "a"))

    modules = [f"layers.{layer}.self_attn.{m}" for layer in (0, 1) for m in ("q_proj", "v_proj")]
    assert list(tensors) == [
        f"base_model.model.model.{module}.lora_{side}.weight"
        for module in modules
        for side in ("A", "B")
    ]
    assert {str(tensor.dtype) for tensor in tensors.values()} == {"torch.bfloat16"}


def test_the_configuration_names_the_base_and_no_machine(tmp_path: Path) -> None:
    config, _ = read_adapter(_exported(tmp_path / "a"))

    assert config["base_model_name_or_path"] == "tiny"
    assert (config["r"], config["lora_alpha"]) == (2, 4)
    assert config["target_modules"] == ["q_proj", "v_proj"]
    text = (tmp_path / "a" / CONFIG_FILE).read_text()
    assert list(json.loads(text)) == sorted(config)
    assert str(tmp_path) not in text


def test_the_same_weights_export_to_the_same_bytes(tmp_path: Path) -> None:
    model = wrap(tiny_base(), SHAPE)

    for name in ("a", "b"):
        export(model, tmp_path / name, SHAPE, base_name="tiny")

    for file in (CONFIG_FILE, WEIGHTS_FILE):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_peft_loads_an_export_as_it_was(tmp_path: Path) -> None:
    from peft import PeftModel

    folder = _exported(tmp_path / "a")

    loaded = PeftModel.from_pretrained(tiny_base(), folder)

    _, exported = read_adapter(folder)
    for name, tensor in adapter_tensors(loaded).items():
        assert tensor.equal(exported[name].float())


def test_training_continues_from_the_exported_weights(tmp_path: Path) -> None:
    folder = _exported(tmp_path / "a")
    successor = wrap(tiny_base(), SHAPE)

    continue_from(successor, folder, SHAPE)

    _, exported = read_adapter(folder)
    for name, tensor in adapter_tensors(successor).items():
        assert tensor.equal(exported[name].float())


@pytest.mark.parametrize(
    ("shape", "reason"),
    [
        (LoraShape(rank=4, alpha=4), "r is 4, expected 2"),
        (LoraShape(rank=2, alpha=8), "lora_alpha is 8, expected 4"),
        (LoraShape(rank=2, alpha=4, target_modules=("k_proj",)), "target_modules is"),
    ],
)
def test_an_adapter_of_another_shape_is_not_continued(
    tmp_path: Path, shape: LoraShape, reason: str
) -> None:
    folder = _exported(tmp_path / "a", shape)

    with pytest.raises(IncompatibleAdapter, match=reason):
        continue_from(wrap(tiny_base(), SHAPE), folder, SHAPE)


def test_an_adapter_that_lacks_a_tensor_is_not_continued(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    folder = _exported(tmp_path / "a")
    _, tensors = read_adapter(folder)
    missing = next(iter(tensors))
    del tensors[missing]
    save_file(tensors, folder / WEIGHTS_FILE)

    with pytest.raises(IncompatibleAdapter, match=f"lacks tensor {missing}"):
        continue_from(wrap(tiny_base(), SHAPE), folder, SHAPE)


def test_a_folder_without_an_adapter_is_not_readable(tmp_path: Path) -> None:
    with pytest.raises(AdapterNotReadable, match="no adapter in"):
        read_adapter(tmp_path)


@pytest.mark.parametrize("file", [CONFIG_FILE, WEIGHTS_FILE])
def test_a_damaged_adapter_is_not_readable(tmp_path: Path, file: str) -> None:
    folder = _exported(tmp_path / "a")
    (folder / file).write_bytes(b"\xff" * 20)

    with pytest.raises(AdapterNotReadable, match="is damaged"):
        read_adapter(folder)


def test_a_trained_model_is_set_back_to_a_start() -> None:
    model = wrap(tiny_base(), SHAPE)
    start = {name: tensor.clone() for name, tensor in adapter_tensors(model).items()}
    parameters = {name: id(each) for name, each in model.named_parameters()}
    for tensor in adapter_tensors(model).values():
        tensor.fill_(3)

    set_adapter(model, start)

    for name, tensor in adapter_tensors(model).items():
        assert tensor.equal(start[name])
        assert tensor.data_ptr() != start[name].data_ptr()
    assert parameters == {name: id(each) for name, each in model.named_parameters()}


@pytest.mark.parametrize("flaw", ["missing", "unknown", "shape"])
def test_a_start_that_does_not_fit_is_refused_and_nothing_is_replaced(flaw: str) -> None:
    model = wrap(tiny_base(), SHAPE)
    start = {name: tensor.clone().fill_(3) for name, tensor in adapter_tensors(model).items()}
    before = {name: tensor.clone() for name, tensor in adapter_tensors(model).items()}
    last = list(start)[-1]
    tensor = start.pop(last)
    if flaw == "unknown":
        start |= {last: tensor, "other": tensor}
    elif flaw == "shape":
        start[last] = tensor[:, :1]

    with pytest.raises(IncompatibleAdapter, match="the start"):
        set_adapter(model, start)

    for name, tensor in adapter_tensors(model).items():
        assert tensor.equal(before[name])
