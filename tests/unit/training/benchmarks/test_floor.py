"""The physical floor, against numbers worked out by hand."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from medley_registry import BaseModel
from medley_registry.base_folder import read_base
from medley_training.benchmarks.base_bytes import (
    NF4_BITS,
    adapter_bytes,
    base_bytes,
    kv_bytes_per_token,
    sees_images,
)
from medley_training.benchmarks.budget import Budget
from medley_training.benchmarks.floor import MachineSpeed, Step
from medley_training.benchmarks.load import Load

from tests.builders import make_base, write_safetensors
from tests.unit.training.benchmarks.made import BASE

CONFIG = {
    "model_type": "llama",
    "architectures": ["LlamaForCausalLM"],
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 100,
}


def _base(folder: Path, tensors: Mapping[str, Sequence[int]], dtype: str = "BF16") -> BaseModel:
    """A base of zeros in `folder`/base."""
    weights = {name: (dtype, tuple(shape)) for name, shape in tensors.items()}
    return read_base("tiny", make_base(folder / "base", config=CONFIG, weights=weights, fill=0))


TIED = {
    "model.embed_tokens.weight": [100, 64],
    "model.layers.0.self_attn.q_proj.weight": [64, 64],
    "model.norm.weight": [64],
}


def test_a_tied_embedding_is_read_as_the_output_layer(tmp_path: Path) -> None:
    found = base_bytes(tmp_path / "base", _base(tmp_path, TIED))

    assert found.read_bytes == found.file_bytes == 2 * (100 * 64 + 64 * 64 + 64)
    assert found.linear_parameters == 100 * 64 + 64 * 64


def test_an_embedding_of_its_own_is_looked_up_and_not_read(tmp_path: Path) -> None:
    found = base_bytes(tmp_path / "base", _base(tmp_path, TIED | {"lm_head.weight": [100, 64]}))

    assert found.file_bytes - found.read_bytes == 2 * 100 * 64
    assert found.linear_parameters == 100 * 64 + 64 * 64


def test_a_vision_tower_is_not_read_for_a_token(tmp_path: Path) -> None:
    base = _base(tmp_path, TIED | {"visual.blocks.0.mlp.weight": [64, 64]})

    found = base_bytes(tmp_path / "base", base)

    assert found.file_bytes - found.read_bytes == 2 * 64 * 64
    assert found.linear_parameters == 100 * 64 + 64 * 64


def test_nf4_in_flight_packs_the_linear_layers_alone(tmp_path: Path) -> None:
    base = _base(tmp_path, TIED)

    found = base_bytes(tmp_path / "base", base, in_flight_nf4=True)

    assert pytest.approx(4.127, abs=1e-3) == NF4_BITS
    assert found.read_bytes == 2 * (100 * 64 + 64) + int(64 * 64 * NF4_BITS / 8)


def test_weights_in_float32_are_served_in_bfloat16(tmp_path: Path) -> None:
    found = base_bytes(tmp_path / "base", _base(tmp_path, TIED, dtype="F32"))

    assert found.read_bytes == 2 * (100 * 64 + 64 * 64 + 64)


def test_a_token_has_a_key_and_a_value_for_each_layer_and_kv_head(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))

    assert kv_bytes_per_token(tmp_path) == 2 * 2 * 2 * 16 * 2
    assert not sees_images(tmp_path)


def test_a_vision_language_model_keeps_its_shape_in_a_part_of_its_configuration(
    tmp_path: Path,
) -> None:
    config = {"text_config": CONFIG, "vision_config": {}, "num_hidden_layers": 99}
    (tmp_path / "config.json").write_text(json.dumps(config))

    assert kv_bytes_per_token(tmp_path) == 2 * 2 * 2 * 16 * 2
    assert sees_images(tmp_path)


def test_an_adapter_is_served_with_two_bytes_a_value(tmp_path: Path) -> None:
    write_safetensors(tmp_path / "adapter_model.safetensors", {"a": ("F32", (8, 64))})

    assert adapter_bytes(tmp_path) == 2 * 8 * 64


def test_a_step_that_reads_much_is_bound_by_the_memory() -> None:
    """1 MB of weights, 50 kB of adapter, 2 requests of 10 tokens with 100 bytes each."""
    load = Load(concurrency=2, input_tokens=8, output_tokens=4)
    step = Step.of(load, BASE, batch=2, lora_bytes=[50_000])

    floor_ms = step.floor_ms(MachineSpeed("cpu", 1e9, 1e15))

    assert step.bytes_read == 1_000_000 + 50_000 + 2 * 10 * 100
    assert floor_ms == pytest.approx(1.052)
    assert step.lora_share == pytest.approx(1_052_000 / 1_002_000)


def test_a_step_that_computes_much_is_bound_by_arithmetic() -> None:
    step = Step(BASE, batch=8, context_tokens=1)

    assert step.operations == 2 * 500_000 * 8
    assert step.floor_ms(MachineSpeed("cpu", 1e15, 1e9)) == pytest.approx(8.0)


def test_one_request_reads_one_adapter_whatever_their_number() -> None:
    load = Load(concurrency=1)

    step = Step.of(load, BASE, batch=1, lora_bytes=[7, 5, 9])

    assert step.lora_bytes == 5


def test_the_budget_holds_the_largest_load_and_no_block_more() -> None:
    """200 tokens are two blocks of 128; 3 requests and vLLM's own block."""
    loads = [
        Load(concurrency=3, input_tokens=150, output_tokens=50),
        Load(concurrency=1, input_tokens=10, output_tokens=5),
    ]

    budget = Budget.of(loads, kv_bytes_per_token=10, device="cpu")

    assert budget == Budget(kv_bytes=7 * 128 * 10, tokens=256, requests=3)
    assert "--no-enable-prefix-caching" in budget.flags(uses_prefix_cache=False)
    assert "--enable-prefix-caching" in budget.flags(uses_prefix_cache=True)
