import logging
from pathlib import Path
from typing import Any

import pytest
from medley_training.local.base import BasePrecision, Quantization, load_base
from medley_training.local.lora import LoraShape, adapter_tensors, wrap
from medley_training.local.loss import completion_loss
from medley_training.local.trainer import TrainingPlan, train

from tests.unit.training.tiny_base import VOCABULARY, copying_examples

SHAPE = LoraShape(rank=2, alpha=4)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Llama whose linear layers are whole blocks of 64 weights."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    folder = tmp_path_factory.mktemp("base")
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        LlamaForCausalLM(config).save_pretrained(folder)
    return folder


def _loss(model: Any) -> float:
    import torch

    with torch.no_grad():
        loss = completion_loss(model, tuple(copying_examples(8)), pad_token_id=0)
    return float(loss)


@pytest.mark.parametrize("dtype", ["bfloat16", "float32"])
def test_a_whole_base_is_loaded_in_the_dtype_asked_for(folder: Path, dtype: str) -> None:
    model = load_base(folder, dtype=dtype, device="cpu")  # type: ignore[arg-type]

    assert {str(each.dtype) for each in model.parameters()} == {f"torch.{dtype}"}
    assert not model.training


def test_nf4_holds_linear_layers_in_half_a_byte_per_weight_and_answers_nearly_alike(
    folder: Path,
) -> None:
    whole = load_base(folder, dtype="float32", device="cpu")
    quantized = load_base(folder, quantization="nf4", dtype="float32", device="cpu")

    layer = quantized.model.layers[0].self_attn.q_proj
    assert layer.weight.nbytes == 64 * 64 // 2
    assert layer.weight.quant_type == "nf4"
    assert layer.weight.quant_state.nested
    assert str(quantized.get_output_embeddings().weight.dtype) == "torch.float32"
    assert _loss(quantized) != _loss(whole)
    assert _loss(quantized) == pytest.approx(_loss(whole), rel=0.05)


def test_an_adapter_learns_on_an_nf4_base_in_every_layer_even_after_an_evaluation(
    folder: Path,
) -> None:
    model = wrap(load_base(folder, quantization="nf4", device="cpu"), SHAPE)
    before = {name: tensor.clone() for name, tensor in adapter_tensors(model).items()}
    loss_before = _loss(model.eval())
    plan = TrainingPlan(epochs=10, learning_rate=0.02, seed=1, batch_tokens=64)

    train(model, copying_examples(8), plan, pad_token_id=0)

    assert len(before) == 8
    for name, tensor in adapter_tensors(model).items():
        assert not tensor.equal(before[name]), name
    assert _loss(model) < 0.9 * loss_before


def test_loading_and_wrapping_say_nothing(
    folder: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        wrap(load_base(folder, quantization="nf4", device="cpu"), SHAPE)

    assert capfd.readouterr().err == ""
    assert caplog.records == []


def test_a_precision_has_a_name_that_tells_its_whole_configuration_apart() -> None:
    precisions = [
        BasePrecision(quantization=quantization, dtype=dtype)
        for quantization in ("none", "nf4")
        for dtype in ("bfloat16", "float32")
    ]

    assert len({each.name for each in precisions}) == 4
    assert len({each.digest for each in precisions}) == 4
    for each in precisions:
        assert each.name.startswith(f"{each.quantization}/{each.dtype}@")
        assert each.digest.hex.startswith(each.name.split("@")[1])
    # What a statement signed today must still say tomorrow.
    assert BasePrecision(quantization="nf4").name == "nf4/bfloat16@d7c27a6c3e26"


@pytest.mark.slow
@pytest.mark.parametrize("quantization", ["none", "nf4"])
def test_the_text_side_of_a_vision_language_base_is_trained(
    tmp_path: Path, quantization: Quantization
) -> None:
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

    text = {
        "vocab_size": 64,
        "hidden_size": 64,
        "intermediate_size": 64,
        "num_hidden_layers": 1,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "rope_parameters": {"rope_type": "default", "mrope_section": [2, 3, 3]},
        "bos_token_id": 1,
        "eos_token_id": 2,
    }
    vision = {
        "depth": 1,
        "hidden_size": 32,
        "num_heads": 2,
        "intermediate_size": 32,
        "out_hidden_size": 64,
        "fullatt_block_indexes": [0],
    }
    config = Qwen2_5_VLConfig(text_config=text, vision_config=vision)
    Qwen2_5_VLForConditionalGeneration(config).save_pretrained(tmp_path)

    model = wrap(load_base(tmp_path, quantization=quantization, dtype="float32"), LoraShape(rank=4))
    plan = TrainingPlan(epochs=4, learning_rate=2e-2, seed=1, gradient_checkpointing=True)
    result = train(model, copying_examples(8), plan, pad_token_id=0)

    assert all("language_model" in name for name in adapter_tensors(model))
    assert result.losses[-1] < result.losses[0]
