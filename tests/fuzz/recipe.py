"""Bytes read as a recipe for JSON, since bytes changed at random are seldom JSON at all."""

import json
from collections.abc import Iterator
from itertools import chain, repeat
from typing import TypeVar

from tests.builders import safetensors_bytes

Choice = TypeVar("Choice")

_NAMES: list[object] = ["a", "b", "c", "d", "e", "", "../a", "\0", "é", "😀"]
_ODD_NAMES: list[object] = ["a", "__metadata__"]
_BITS = {"F32": 32, "BF16": 16, "U8": 8, "F4": 4, "F6_E2M3": 6, "C64": 64, "BOOL": 8}
_ODD_DTYPES: list[object] = ["f32", "", 4, None, ["F32"]]
_ODD_COUNTS: list[object] = [
    0, 16, 2**31, 2**32, 2**62, 2**63, 2**64, -1, 1.0, True, "2", None, [1], {},
]  # fmt: skip
_KEYS = [
    "r", "lora_alpha", "target_modules", "bias", "use_rslora", "rank_pattern", "alpha_pattern",
    "auto_mapping", "megatron_core", "megatron_config", "task_type", "init_lora_weights",
    "peft_version", "modules_to_save", "tokenizer_kwargs", "x",
]  # fmt: skip
_PATTERN_KEYS = ["q_proj", "self_attn.q_proj", "v_proj", "^q_proj", ".*", "", "q", "_proj"]
_VALUES = [
    1, 8, 512, 513, 0, -1, 2**70, 0.5, 1e-300, 1e300, True, False, None, "", "none", "all", "LORA",
    "megatron.core", "os", "CAUSAL_LM", "gaussian", "pissa", [], ["q_proj"], [1], {}, {"a": 1},
]  # fmt: skip


class _Recipe:
    def __init__(self, data: bytes) -> None:
        self._bytes: Iterator[int] = chain(data, repeat(0))

    def below(self, count: int) -> int:
        return next(self._bytes) % count

    def one_of(self, choices: list[Choice]) -> Choice:
        return choices[self.below(len(choices))]

    def mostly(self, usual: list[object], odd: list[object]) -> object:
        return self.one_of(odd if self.below(16) == 15 else usual)


def file_of(data: bytes) -> bytes:
    """A safetensors file that is nearly good: each tensor's offsets follow the one before."""
    recipe = _Recipe(data)
    entries, end = [], 0
    for _ in range(recipe.below(4)):
        dtype, begin = recipe.mostly([*_BITS], _ODD_DTYPES), end
        shape = [recipe.mostly([1, 2, 3, 4], _ODD_COUNTS) for _ in range(recipe.below(4))]
        elements = 1
        for side in shape:
            elements *= side if type(side) is int and side <= 16 else 1
        end += max(elements, 0) * (_BITS.get(dtype, 8) if isinstance(dtype, str) else 8) // 8
        offsets: list[object] = [begin, end]
        if recipe.below(16) == 15:
            offsets[recipe.below(2)] = recipe.one_of(_ODD_COUNTS)
        entry = {"dtype": dtype, "shape": shape, "data_offsets": offsets}
        if recipe.below(16) == 15:
            del entry[recipe.one_of([*entry])]
        entries.append(f"{json.dumps(recipe.mostly(_NAMES, _ODD_NAMES))}: {json.dumps(entry)}")
    spare = recipe.one_of([0] * 14 + [1, -1])
    return safetensors_bytes(f"{{{', '.join(entries)}}}".encode(), bytes(max(end + spare, 0)))


def config_of(data: bytes) -> bytes:
    """An adapter_config.json that is good but for a few keys."""
    recipe = _Recipe(data)
    config: dict[str, object] = {
        "peft_type": "LORA",
        "r": 8,
        "lora_alpha": 16,
        "target_modules": ["q_proj"],
    }
    for _ in range(recipe.below(4)):
        key = recipe.one_of(_KEYS)
        config[key] = recipe.one_of(_VALUES)
        if key.endswith("_pattern"):
            names = [recipe.one_of(_PATTERN_KEYS) for _ in range(recipe.below(4))]
            config[key] = {name: recipe.one_of(_VALUES) for name in names}
    return json.dumps(config).encode()
