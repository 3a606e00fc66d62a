"""Modules by the names that PEFT gives them, with the shapes their weights have unpacked."""

import json
import struct
from pathlib import Path

import pytest
from medley_registry import AdmissionRefused
from medley_registry.base_folder import read_base

from tests.builders import Tensors, make_base

Q = "model.layers.0.self_attn.q_proj"
PLAIN: Tensors = {f"{Q}.weight": ("BF16", (6, 4)), "model.norm.weight": ("BF16", (4,))}
# What bitsandbytes 0.50 writes for a weight of [64, 32] with nested absmax.
NF4: Tensors = {
    f"{Q}.weight": ("U8", (1024, 1)),
    f"{Q}.weight.absmax": ("U8", (32,)),
    f"{Q}.weight.nested_absmax": ("F32", (1,)),
    f"{Q}.weight.nested_quant_map": ("F32", (256,)),
    f"{Q}.weight.quant_map": ("F32", (16,)),
    f"{Q}.weight.quant_state.bitsandbytes__nf4": ("U8", (165,)),
}
NF4_STATE = {
    "quant_type": "nf4",
    "blocksize": 64,
    "dtype": "bfloat16",
    "shape": [64, 32],
    "nested_blocksize": 256,
    "nested_dtype": "float32",
    "nested_offset": 0.05341339111328125,
}
W4A16: Tensors = {
    f"{Q}.weight_packed": ("I32", (64, 5)),
    f"{Q}.weight_scale": ("BF16", (64, 1)),
    f"{Q}.weight_shape": ("I64", (2,)),
}


def table(
    folder: Path,
    weights: Tensors,
    *,
    contents: dict[str, bytes] | None = None,
    model_type: str = "x",
) -> dict[str, tuple[int, ...]]:
    config = {"model_type": model_type}
    base = make_base(folder, weights=weights, contents=contents, config=config)
    return dict(read_base("base", base).module_shapes)


def nf4(state: object) -> tuple[Tensors, dict[str, bytes]]:
    text = state if isinstance(state, bytes) else json.dumps(state).encode()
    name = f"{Q}.weight.quant_state.bitsandbytes__nf4"
    return {**NF4, name: ("U8", (len(text),))}, {name: text}


def awq(qweight: tuple[int, ...], **others: tuple[int, ...]) -> Tensors:
    dtypes = {"qzeros": "I32", "scales": "F16"}
    return {
        f"{Q}.qweight": ("I32", qweight),
        **{f"{Q}.{name}": (dtypes[name], shape) for name, shape in others.items()},
    }


@pytest.mark.parametrize("dtype", ["BF16", "F32", "I8", "F8_E4M3"])
def test_a_weight_of_one_number_per_element_has_its_own_shape(tmp_path: Path, dtype: str) -> None:
    weights = {**PLAIN, f"{Q}.weight": (dtype, (6, 4))}

    assert table(tmp_path / "base", weights) == {Q: (6, 4)}


def test_a_weight_packed_by_bitsandbytes_has_the_shape_of_its_state(tmp_path: Path) -> None:
    weights, contents = nf4(NF4_STATE)

    assert table(tmp_path / "base", weights, contents=contents) == {Q: (64, 32)}


def test_bitsandbytes_may_store_its_bytes_as_other_numbers(tmp_path: Path) -> None:
    weights, contents = nf4(NF4_STATE)
    weights = {**weights, f"{Q}.weight": ("BF16", (512, 1))}

    assert table(tmp_path / "base", weights, contents=contents) == {Q: (64, 32)}


@pytest.mark.parametrize(
    ("rule", "state"),
    [
        ("base-quantization", NF4_STATE | {"shape": [64, 33]}),
        ("base-quantization", NF4_STATE | {"shape": [2048]}),
        ("base-quantization", NF4_STATE | {"shape": [64.0, 32]}),
        ("base-quantization", NF4_STATE | {"shape": [-64, -32]}),
        ("base-quantization", {"quant_type": "nf4"}),
        ("base-json", b"\x80\x04."),
        ("safetensors-tensor", NF4_STATE | {"more": "x" * 5000}),
    ],
)
def test_a_state_that_does_not_describe_the_weight_is_refused(
    tmp_path: Path, rule: str, state: object
) -> None:
    weights, contents = nf4(state)

    with pytest.raises(AdmissionRefused) as refusal:
        table(tmp_path / "base", weights, contents=contents)

    assert refusal.value.rule == rule


def test_awq_packs_eight_outputs_in_a_word(tmp_path: Path) -> None:
    weights = awq((128, 8), qzeros=(4, 8), scales=(4, 64))

    assert table(tmp_path / "base", weights) == {Q: (64, 128)}


@pytest.mark.parametrize(("out", "into"), [(64, 40), (64, 33)])
def test_compressed_tensors_say_the_shape_beside_the_packed_weight(
    tmp_path: Path, out: int, into: int
) -> None:
    contents = {f"{Q}.weight_shape": struct.pack("<2q", out, into)}

    assert table(tmp_path / "base", W4A16, contents=contents) == {Q: (out, into)}


@pytest.mark.parametrize("shape", [(64, 16), (64, 161), (63, 40), (-64, 40), (64, 0)])
def test_a_shape_that_the_packed_weight_does_not_have_is_refused(
    tmp_path: Path, shape: tuple[int, int]
) -> None:
    contents = {f"{Q}.weight_shape": struct.pack("<2q", *shape)}

    with pytest.raises(AdmissionRefused, match="base-quantization"):
        table(tmp_path / "base", W4A16, contents=contents)


@pytest.mark.parametrize(
    "weights",
    [
        {f"{Q}.weight": ("U8", (64, 16))},  # two numbers in a byte, and nothing that says so
        {f"{Q}.weight": ("I32", (64, 16))},
        {f"{Q}.weight_packed": ("U8", (64, 16))},
        {f"{Q}.weight_packed": ("I32", (64, 16)), f"{Q}.weight_shape": ("I32", (2,))},
        awq((16, 64), qzeros=(4, 8), scales=(4, 64)),
        awq((64, 16), qzeros=(64, 1), scales=(64, 8)),
        awq((128, 8), scales=(4, 64)),
        awq((128, 8), qzeros=(4, 8), scales=(64,)),
        awq((128, 8), qzeros=(3, 8), scales=(3, 64)),
    ],
    ids=[
        "bytes",
        "words",
        "nvfp4",
        "short shape",
        "gptq",
        "awq gemv",
        "no zeros",
        "no groups",
        "part group",
    ],
)
def test_a_packing_that_cannot_be_told_is_refused(tmp_path: Path, weights: Tensors) -> None:
    with pytest.raises(AdmissionRefused, match="base-quantization"):
        table(tmp_path / "base", weights)


@pytest.mark.parametrize(
    ("model_type", "stored", "named"),
    [
        ("qwen2_5_vl", "model.layers.0.mlp.up_proj", "model.language_model.layers.0.mlp.up_proj"),
        ("qwen2_5_vl", "model.language_model.layers.0.x", "model.language_model.layers.0.x"),
        ("qwen2_5_vl", "visual.blocks.0.attn.qkv", "model.visual.blocks.0.attn.qkv"),
        ("qwen2_5_vl", "model.visual.blocks.0.attn.qkv", "model.visual.blocks.0.attn.qkv"),
        ("qwen2_5_vl", "lm_head", "lm_head"),
        ("gemma3", "language_model.model.layers.0.x", "model.language_model.layers.0.x"),
        ("gemma3", "model.language_model.layers.0.x", "model.language_model.layers.0.x"),
        ("gemma3", "language_model.lm_head", "lm_head"),
        ("gemma3", "vision_tower.vision_model.encoder.x", "model.vision_tower.encoder.x"),
        ("gemma3", "vision_tower.encoder.x", "model.vision_tower.encoder.x"),
        ("llava", "multi_modal_projector.linear_1", "model.multi_modal_projector.linear_1"),
        ("qwen3_vl", "model.language_model.layers.0.x", "model.language_model.layers.0.x"),
        ("qwen3_vl", "model.visual.blocks.0.attn.qkv", "model.visual.blocks.0.attn.qkv"),
        ("llama", "model.layers.0.mlp.up_proj", "model.layers.0.mlp.up_proj"),
    ],
)
def test_modules_have_the_names_that_adapters_call_them(
    tmp_path: Path, model_type: str, stored: str, named: str
) -> None:
    weights = {f"{stored}.weight": ("BF16", (6, 4))}

    assert table(tmp_path / "base", weights, model_type=model_type) == {named: (6, 4)}


def test_an_embedding_is_no_module_for_adapters(tmp_path: Path) -> None:
    weights = {**PLAIN, "model.embed_tokens.weight": ("BF16", (32, 4))}

    assert table(tmp_path / "base", weights) == {Q: (6, 4)}


def test_two_weights_that_would_be_one_module_are_refused(tmp_path: Path) -> None:
    weights = {"visual.x.weight": ("BF16", (6, 4)), "model.visual.x.weight": ("BF16", (4, 4))}

    with pytest.raises(AdmissionRefused, match="base-weights"):
        table(tmp_path / "base", weights, model_type="qwen2_5_vl")


def test_a_tensor_in_two_shards_is_refused(tmp_path: Path) -> None:
    folder = make_base(tmp_path / "base", weights=PLAIN)
    (folder / "model.safetensors").rename(folder / "one.safetensors")
    (folder / "two.safetensors").write_bytes((folder / "one.safetensors").read_bytes())
    index = {"weight_map": {f"{Q}.weight": "one.safetensors", "x": "two.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))

    with pytest.raises(AdmissionRefused, match="base-weights"):
        read_base("base", folder)


def test_a_shard_that_is_not_there_is_named(tmp_path: Path) -> None:
    folder = make_base(tmp_path / "base")
    (folder / "model.safetensors").unlink()
    index = {"weight_map": {"x": "missing.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))

    with pytest.raises(AdmissionRefused, match=r"base-file.*missing\.safetensors"):
        read_base("base", folder)
