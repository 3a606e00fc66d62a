"""What a decode step of a base has to read and to compute, from its files alone."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from medley_registry import BaseModel
from medley_registry.safetensors_header import HeaderLimits, TensorEntry, read_header

_LIMITS = HeaderLimits(header_bytes=256 << 20, tensors=1 << 20)
_VISION = ("visual", "vision_tower", "vision_model", "multi_modal_projector")
_EMBEDDINGS = ("embed_tokens", "wte")
_KV_BYTES = 2
"""Of one value in the cache, which is bfloat16 or float16."""
# 4 bits, a scale of 8 bits for 64 weights, and one of 32 bits for 256 of those (QLoRA, §3).
NF4_BITS = 4 + 8 / 64 + 32 / (64 * 256)


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseBytes:
    """One form of a base model.

    Attributes:
        file_bytes: of all its weights.
        read_bytes: of the weights that each decode step reads: not the vision tower, and not the
            embedding table unless it is the output layer too.
        linear_parameters: what each token is multiplied with.
        kv_bytes_per_token: of keys and values, over all layers.
    """

    file_bytes: int
    read_bytes: int
    linear_parameters: int
    kv_bytes_per_token: int


def base_bytes(folder: Path, origin: BaseModel, *, in_flight_nf4: bool = False) -> BaseBytes:
    """Counts the bytes of the base in `folder`.

    Args:
        folder: of the form that is served.
        origin: the base as it is.
        in_flight_nf4: the files are the origin's, and their linear layers are quantized on the way.
    """
    tensors = dict(_tensors(folder))
    has_head = any(name.endswith("lm_head.weight") for name in tensors)
    tables = [name for name in tensors if _is_embedding(name)]
    skipped = {name for name in tensors if _is_vision(name)} | set(tables if has_head else ())
    sizes = {
        name: _served_bytes(name, entry, in_flight_nf4=in_flight_nf4)
        for name, entry in tensors.items()
    }
    linear = [shape for name, shape in origin.module_shapes.items() if not _is_vision(name)]
    linear += [] if has_head else [tensors[name].shape for name in tables]
    return BaseBytes(
        file_bytes=sum(sizes.values()),
        read_bytes=sum(size for name, size in sizes.items() if name not in skipped),
        linear_parameters=sum(map(prod, linear)),
        kv_bytes_per_token=kv_bytes_per_token(folder),
    )


def kv_bytes_per_token(folder: Path) -> int:
    """Keys and values of one token over all layers, from the configuration."""
    config = text_config(folder)
    heads = config.get("num_key_value_heads") or config["num_attention_heads"]
    size = config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"]
    return int(config["num_hidden_layers"] * 2 * heads * size * _KV_BYTES)


def text_config(folder: Path) -> Mapping[str, Any]:
    """The part of a base's configuration that describes the language model."""
    config: dict[str, Any] = json.loads((folder / "config.json").read_text())
    return {**config, **config.get("text_config", {})}


def sees_images(folder: Path) -> bool:
    """Whether the base takes images."""
    return "vision_config" in json.loads((folder / "config.json").read_text())


def adapter_bytes(folder: Path) -> int:
    """Of an adapter's weights as they are served, two bytes each."""
    with (folder / "adapter_model.safetensors").open("rb") as stream:
        return sum(2 * prod(entry.shape) for entry in read_header(stream).values())


def _tensors(folder: Path) -> Iterator[tuple[str, TensorEntry]]:
    for file in sorted(folder.glob("*.safetensors")):
        with file.open("rb") as stream:
            yield from read_header(stream, limits=_LIMITS).items()


def _served_bytes(name: str, entry: TensorEntry, *, in_flight_nf4: bool) -> int:
    is_weight = name.endswith(".weight")
    stays = _is_vision(name) or _is_embedding(name) or name.endswith("lm_head.weight")
    if in_flight_nf4 and is_weight and len(entry.shape) == 2 and not stays:
        return int(prod(entry.shape) * NF4_BITS / 8)
    if is_weight and entry.dtype == "F32":
        return entry.size_bytes // 2  # what is published in float32 is served in bfloat16
    return entry.size_bytes


def _is_vision(name: str) -> bool:
    return any(part in _VISION for part in name.split("."))


def _is_embedding(name: str) -> bool:
    return any(part in _EMBEDDINGS for part in name.split("."))
