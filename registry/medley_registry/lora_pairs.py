"""The tensors of a LoRA: for each module of the base model a pair, A of [r, in], B of [out, r]."""

from collections.abc import Mapping
from dataclasses import dataclass

from medley_registry.errors import AdmissionRefused
from medley_registry.safetensors_header import TensorEntry

_PREFIX = "base_model.model."
_SIDES = ("A", "B")
FLOATS = frozenset({"BF16", "F16", "F32"})
"""What the weights of an adapter may be stored as."""


@dataclass(frozen=True, slots=True)
class LoraPair:
    a: TensorEntry
    b: TensorEntry


def lora_pairs(tensors: Mapping[str, TensorEntry]) -> dict[str, LoraPair]:
    """The pairs by module, named as in the base model's module table.

    Raises:
        AdmissionRefused: by one of the rules ``tensor-none``, ``-name``, ``-dtype`` or ``-pair``.
    """
    if not tensors:
        raise AdmissionRefused("tensor-none", "no tensor", because="the adapter is empty")
    sides: dict[str, dict[str, TensorEntry]] = {}
    for name, entry in tensors.items():
        module, _, side = name.removesuffix(".weight").removeprefix(_PREFIX).rpartition(".lora_")
        if side not in _SIDES or name != tensor_name(module, side):
            raise AdmissionRefused(
                "tensor-name", name, because=f"'{_PREFIX}<module>.lora_A.weight' or lora_B"
            )
        sides.setdefault(module, {})[side] = entry
    _check_dtypes(tensors)
    return {module: _pair(module, found) for module, found in sides.items()}


def tensor_name(module: str, side: str) -> str:
    """What PEFT calls one side, ``A`` or ``B``, of a module's pair."""
    return f"{_PREFIX}{module}.lora_{side}.weight"


def _check_dtypes(tensors: Mapping[str, TensorEntry]) -> None:
    first = next(iter(tensors.values())).dtype
    for name, entry in tensors.items():
        if entry.dtype not in FLOATS:
            raise AdmissionRefused(
                "tensor-dtype", f"{name}: {entry.dtype}", because=f"one of {sorted(FLOATS)}"
            )
        if entry.dtype != first:
            raise AdmissionRefused(
                "tensor-dtype",
                f"{name}: {entry.dtype}",
                because=f"others are {first}: one per file",
            )


def _pair(module: str, sides: Mapping[str, TensorEntry]) -> LoraPair:
    for side in _SIDES:
        if side not in sides:
            raise AdmissionRefused(
                "tensor-pair", f"{module}.lora_{side}", because="A and B come in pairs"
            )
    return LoraPair(sides["A"], sides["B"])
