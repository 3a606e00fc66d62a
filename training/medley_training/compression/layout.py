"""Where each tensor's numbers lie in a contribution.

A file of encoded deltas holds few, long tensors: for each trained factor and each part of the codec
one, ``lora_A.codes``, with the modules one after another in the order of their names. A header of
two entries per LoRA tensor would be as large as a tenth of a small adapter in 4 bits.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import TypeAlias

from medley_training.compression.codec import Codec
from medley_training.factors import A_SUFFIX, B_SUFFIX, PREFIX, Adapter, tensors_of
from medley_training.local.lora import BOTH_FACTORS, Factor, factor_of

Shape: TypeAlias = tuple[int, int]

_SUFFIXES: Mapping[Factor, str] = {"A": A_SUFFIX, "B": B_SUFFIX}


@dataclass(frozen=True, slots=True)
class Place:
    """Where one part of one tensor is: in which tensor of the file, from where, how many."""

    name: str
    begin: int
    count: int


def tensor_name(module: str, factor: Factor) -> str:
    """The name of one factor of a module on disk, as PEFT gives it."""
    return f"{PREFIX}{module}{_SUFFIXES[factor]}"


def shapes_of(start: Adapter) -> dict[str, Shape]:
    """The shape of every tensor of an adapter by its name on disk, sorted."""
    return {name: (tensor.shape[0], tensor.shape[1]) for name, tensor in tensors_of(start)}


class Layout:
    """What a file of encoded deltas must hold, from the shapes of what it changes alone.

    Args:
        shapes: Of the tensors that are sent, by their names on disk.
        codec: How they are encoded.
    """

    def __init__(self, shapes: Mapping[str, Shape], codec: Codec) -> None:
        self._codec = codec
        self._places: dict[str, dict[str, Place]] = {}
        self._lengths: dict[str, int] = {}
        self._dtypes: dict[str, str] = {}
        for factor in sorted(BOTH_FACTORS):
            self._add(factor, {n: shapes[n] for n in sorted(shapes) if factor_of(n) == factor})

    @property
    def lengths(self) -> Mapping[str, int]:
        """The number of elements of every tensor of the file."""
        return self._lengths

    @property
    def dtypes(self) -> Mapping[str, str]:
        """The dtype of every tensor of the file, as safetensors writes it."""
        return self._dtypes

    def places(self, name: str) -> Mapping[str, Place]:
        """Where the parts of one tensor are."""
        return self._places[name]

    def _add(self, factor: Factor, shapes: Mapping[str, Shape]) -> None:
        if not shapes:
            return
        sizes = {name: prod(shape) for name, shape in shapes.items()}
        for part, dtype in self._codec.dtypes(max(sizes.values())).items():
            column = f"lora_{factor}.{part}"
            self._dtypes[column] = dtype
            self._lengths[column] = self._lay_out(column, part, sizes)

    def _lay_out(self, column: str, part: str, sizes: Mapping[str, int]) -> int:
        end = 0
        for name, size in sizes.items():
            count = self._codec.lengths(size)[part]
            self._places.setdefault(name, {})[part] = Place(column, end, count)
            end += count
        return end


def factors_in(names: Sequence[str]) -> frozenset[Factor]:
    """The factors that some tensors of an encoded file belong to."""
    return frozenset(
        factor for factor in BOTH_FACTORS if any(f"lora_{factor}." in n for n in names)
    )
