"""Small real files for tests: folders of a base model and of adapters, written without torch."""

import json
import struct
from collections.abc import Mapping
from math import prod
from pathlib import Path

HIDDEN, OUT, RANK = 8, 4, 2
MODULES = {
    "model.layers.0.self_attn.q_proj": (HIDDEN, HIDDEN),
    "model.layers.0.self_attn.v_proj": (OUT, HIDDEN),
}
TINY = "tiny"

Tensors = Mapping[str, tuple[str, tuple[int, ...]]]


def safetensors_bytes(header: object, data: bytes = b"") -> bytes:
    """A whole file; the header is written as it is if it is bytes, else as JSON."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def write_safetensors(
    path: Path,
    tensors: Tensors,
    *,
    fill: int = 1,
    contents: Mapping[str, bytes] | None = None,
) -> None:
    """Tensors by name, each a dtype and a shape; what has no content has every byte `fill`."""
    bytes_of = {"F32": 4, "F16": 2, "BF16": 2, "I32": 4, "I64": 8, "I8": 1, "U8": 1, "F8_E4M3": 1}
    header, data = {}, bytearray()
    for name, (dtype, shape) in tensors.items():
        begin = len(data)
        size_bytes = prod(shape) * bytes_of[dtype]
        data += (contents or {}).get(name, bytes([fill]) * size_bytes)
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [begin, len(data)]}
    path.write_bytes(safetensors_bytes(header, bytes(data)))


def make_base(
    folder: Path,
    *,
    fill: int = 1,
    config: Mapping[str, object] | None = None,
    weights: Tensors | None = None,
    contents: Mapping[str, bytes] | None = None,
) -> Path:
    """A base model whose weights are those of `MODULES` and a norm, or others with contents."""
    folder.mkdir(parents=True)
    tiny: dict[str, tuple[str, tuple[int, ...]]] = {"model.norm.weight": ("F32", (HIDDEN,))}
    tiny |= {f"{module}.weight": ("F32", shape) for module, shape in MODULES.items()}
    weights = tiny if weights is None else weights
    write_safetensors(folder / "model.safetensors", weights, fill=fill, contents=contents)
    whole = {"architectures": ["TinyForCausalLM"], "transformers_version": "5.19.0"}
    (folder / "config.json").write_text(json.dumps(whole | dict(config or {})))
    (folder / "tokenizer.json").write_text('{"model": {}}')
    (folder / "tokenizer_config.json").write_text('{"chat_template": "{{ messages }}"}')
    return folder


def adapter_tensors(*, rank: int = RANK) -> dict[str, tuple[str, tuple[int, ...]]]:
    """What PEFT saves for a LoRA on every module of the tiny base."""
    tensors: dict[str, tuple[str, tuple[int, ...]]] = {}
    for module, (out, into) in MODULES.items():
        tensors[f"base_model.model.{module}.lora_A.weight"] = ("F32", (rank, into))
        tensors[f"base_model.model.{module}.lora_B.weight"] = ("F32", (out, rank))
    return tensors


def make_adapter(
    folder: Path,
    *,
    fill: int = 1,
    tensors: Tensors | None = None,
    config: Mapping[str, object] | None = None,
    contents: Mapping[str, bytes] | None = None,
) -> Path:
    """An adapter for the tiny base; another `fill` is another content."""
    folder.mkdir(parents=True)
    write_safetensors(
        folder / "adapter_model.safetensors",
        adapter_tensors() if tensors is None else tensors,
        fill=fill,
        contents=contents,
    )
    whole: dict[str, object] = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "r": RANK,
        "lora_alpha": 4,
        "target_modules": ["q_proj", "v_proj"],
        "bias": "none",
    }
    (folder / "adapter_config.json").write_text(json.dumps(whole | dict(config or {})))
    return folder
