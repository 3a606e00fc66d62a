"""What two adapters add to a base model's weights, module by module, and how far that is apart.

The update of a module is B·A times its scaling (`AdapterConfig.rank_and_scaling`). It is never
formed: with U = s·B·A and V = t·D·C, the inner product ⟨U, V⟩ = tr(UᵀV) = s·t·tr((BᵀD)(CAᵀ)), where
both factors are as small as the ranks; and ‖U - V‖² = ‖U‖² + ‖V‖² - 2⟨U, V⟩.
"""

from dataclasses import dataclass
from math import inf, sqrt
from typing import TYPE_CHECKING, BinaryIO, TypeAlias

from medley_registry.adapter_config import AdapterConfig
from medley_registry.lora_pairs import lora_pairs
from medley_registry.safetensors_header import TensorEntry, read_header

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Doubles: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Norms:
    """Frobenius norms: of a module's A, of its B, and of its update."""

    a: float
    b: float
    update: float


@dataclass(frozen=True, slots=True)
class ModuleChange:
    """One module's update in an old and a new adapter; None where one leaves the module alone.

    ``distance`` is the norm of the new update less the old one.
    """

    module: str
    old: Norms | None
    new: Norms | None
    distance: float

    @property
    def change(self) -> float | None:
        """The distance relative to the old update; None where there was none."""
        return self.distance / self.old.update if self.old and self.old.update else None


class Weights:
    """An adapter's weights, read a module at a time from bytes that seek.

    Raises:
        AdmissionRefused: the bytes are no adapter's weights.
    """

    def __init__(self, stream: BinaryIO, config: AdapterConfig) -> None:
        self._pairs = lora_pairs(read_header(stream))
        self._data_begin = stream.tell()
        self._stream = stream
        self._config = config

    @property
    def modules(self) -> frozenset[str]:
        return frozenset(self._pairs)

    def update(self, module: str) -> "_Update":
        pair = self._pairs[module]
        _, scaling = self._config.rank_and_scaling(module)
        return _Update(self._matrix(pair.a), self._matrix(pair.b), scaling)

    def _matrix(self, entry: TensorEntry) -> "Doubles":
        import numpy as np

        self._stream.seek(self._data_begin + entry.begin)
        data = self._stream.read(entry.end - entry.begin)
        if entry.dtype == "BF16":  # the upper half of a float32
            numbers = (np.frombuffer(data, "<u2").astype("<u4") << 16).view("<f4")
        else:
            numbers = np.frombuffer(data, {"F16": "<f2", "F32": "<f4"}[entry.dtype])
        matrix: Doubles = numbers.astype(np.float64).reshape(entry.shape)
        return matrix


def compare_updates(old: Weights, new: Weights) -> list[ModuleChange]:
    """Every module's change, the largest first; those that were not there before all others."""
    changes = [_compare(module, old, new) for module in old.modules | new.modules]
    return sorted(changes, key=lambda c: (-_weight(c), c.module))


def _weight(found: ModuleChange) -> float:
    if found.change is not None:
        return found.change
    return inf if found.distance else 0.0


def _compare(module: str, old: Weights, new: Weights) -> ModuleChange:
    before = old.update(module) if module in old.modules else None
    after = new.update(module) if module in new.modules else None
    squares = sum(update.times(update) for update in (before, after) if update)
    both = before.times(after) if before and after else 0.0
    # Rounding may leave the square of nothing a little below zero.
    distance = sqrt(max(0.0, squares - 2 * both))
    return ModuleChange(
        module,
        before.norms() if before else None,
        after.norms() if after else None,
        distance,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Update:
    a: "Doubles"
    b: "Doubles"
    scaling: float

    def times(self, other: "_Update") -> float:
        """The inner product of the two updates."""
        small = (self.b.T @ other.b) * (self.a @ other.a.T)
        return self.scaling * other.scaling * float(small.sum())

    def norms(self) -> Norms:
        import numpy as np

        return Norms(
            float(np.linalg.norm(self.a)),
            float(np.linalg.norm(self.b)),
            sqrt(max(0.0, self.times(self))),
        )
