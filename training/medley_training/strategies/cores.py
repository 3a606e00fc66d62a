"""Changes as small cores in one orthonormal basis, for rules that look at single coordinates.

A change is ``D = U C V^T`` with U and V shared by all participants and C of basis size. U are the
principal directions of all columns, V of all rows, of the changes brought to norm 1, so that nobody
turns the basis by being loud. Products, and so C, do not change when factors are rotated.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from medley_training.factors import Adapter, Factors
from medley_training.strategies.stack import folded

if TYPE_CHECKING:
    from torch import Tensor

# Directions kept on each side. All of them are while the ranks of votes and start add up to less.
MOST_DIRECTIONS = 256


@dataclass(frozen=True, slots=True, eq=False)
class Basis:
    """One module's.

    Attributes:
        u: Shape (outputs, m), orthonormal.
        vt: Shape (n, inputs), orthonormal.
        norms: Each change's own.
    """

    u: "Tensor"
    vt: "Tensor"
    norms: "Tensor"


def basis_of(start: Adapter, adapters: Sequence[Adapter], module: str) -> Basis:
    """The changes' joint principal directions; reads each adapter once.

    Memory: four times `MOST_DIRECTIONS` columns of the weight's height and width.
    """
    import torch

    minus = folded(start.factors(module), -1.0)
    left, right = _Directions(), _Directions()
    norms = []
    for adapter in adapters:
        change = _change(adapter, module, minus)
        # D D^T = (B R^T)(B R^T)^T with A^T = Q R: thin columns with the change's own directions.
        columns = change.b @ torch.linalg.qr(change.a.T, mode="r").R.T
        rows = change.a.T @ torch.linalg.qr(change.b, mode="r").R.T
        norm = float(columns.norm())
        norms.append(norm)
        if norm:
            left.add(columns / norm)
            right.add(rows / norm)
    u, v = left.found(minus.b), right.found(minus.a.T)
    return Basis(u, v.T, torch.tensor(norms, dtype=torch.float64))


def cores_of(
    start: Adapter, adapters: Sequence[Adapter], module: str, basis: Basis, rows: slice
) -> "Tensor":
    """The given rows of each change's core, of shape (participants, rows, n)."""
    import torch

    minus = folded(start.factors(module), -1.0)
    u, v = basis.u[:, rows], basis.vt.T
    changes = (_change(adapter, module, minus) for adapter in adapters)
    return torch.stack([(u.T @ change.b) @ (change.a @ v) for change in changes])


def _change(adapter: Adapter, module: str, minus: Factors) -> Factors:
    import torch

    own = folded(adapter.factors(module))
    return Factors(torch.cat([own.a, minus.a]), torch.cat([own.b, minus.b], 1), 1.0)


class _Directions:
    """Principal directions of columns that come in blocks."""

    def __init__(self) -> None:
        self._columns: list[Tensor] = []
        self._count = 0

    def add(self, columns: "Tensor") -> None:
        self._columns.append(columns)
        self._count += columns.shape[1]
        if self._count > 2 * MOST_DIRECTIONS:
            u, s = self._principal()
            self._columns, self._count = [u * s], u.shape[1]

    def found(self, like: "Tensor") -> "Tensor":
        """Orthonormal columns; one column of zeros, of the height of `like`, where nothing came."""
        return self._principal()[0] if self._columns else like.new_zeros(like.shape[0], 1)

    def _principal(self) -> "tuple[Tensor, Tensor]":
        import torch

        u, s, _ = torch.linalg.svd(torch.cat(self._columns, 1), full_matrices=False)
        kept = min(MOST_DIRECTIONS, int((s > 1e-10 * s[0]).sum()))
        return u[:, :kept], s[:kept]
