"""Inner products of updates through their thin factors.

``<s B A, t C D> = s t sum((B^T C) * (A D^T))``: the products are of rank size, and do not change
when the factors are rotated, as distances of A and of B apart would.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from medley_training.factors import Adapter, Factors
from medley_training.strategies.stack import folded

if TYPE_CHECKING:
    from torch import Tensor

# Adapters whose factors of one module are in memory at a time, twice.
_BLOCK = 32
_RESOLUTION = 1e-7


def inner_products(adapters: Sequence[Adapter]) -> "Tensor":
    """The symmetric matrix of the adapters' inner products, summed over modules; float64.

    Reads each module of each adapter once where there are at most 32 adapters, else once per 32 of
    them. The work grows with the square of the ranks' sum.
    """
    import torch

    total = torch.zeros(len(adapters), len(adapters), dtype=torch.float64)
    starts = range(0, len(adapters), _BLOCK)
    for module in adapters[0].modules:
        for low in starts:
            rows = _Block(module, adapters[low : low + _BLOCK])
            for high in range(low, len(adapters), _BLOCK):
                columns = rows if high == low else _Block(module, adapters[high : high + _BLOCK])
                part = rows.products(columns)
                total[low : low + _BLOCK, high : high + _BLOCK] += part
    upper = total.triu()
    return upper + upper.triu(1).T


def change_products(start: Adapter, adapters: Sequence[Adapter]) -> "Tensor":
    """The inner products of the changes ``adapter - start`` as products of factors.

    They are differences of inner products, so a change of less than 1e-7 of the adapter's own norm
    cannot be told from rounding: it counts as none. Adapters travel with seven digits.
    """
    products = inner_products([start, *adapters])
    across, own = products[0, 1:], products[0, 0]
    changes = products[1:, 1:] - across[:, None] - across[None, :] + own
    seen = changes.diagonal() > _RESOLUTION**2 * (products.diagonal()[1:] + own)
    return changes * seen[:, None] * seen[None, :]


def distances(products: "Tensor") -> "Tensor":
    """The squared distances between the vectors whose inner products are given."""
    norms = products.diagonal()
    squared = (norms[:, None] + norms[None, :] - 2 * products).clamp_min(0)
    return squared.fill_diagonal_(0)


class _Block:
    """One module of several adapters, side by side."""

    def __init__(self, module: str, adapters: Sequence[Adapter]) -> None:
        import torch

        blocks = [folded(factors) for factors in _read(module, adapters)]
        self.a = torch.cat([block.a for block in blocks])
        self.b = torch.cat([block.b for block in blocks], 1)
        owners = [index for index, block in enumerate(blocks) for _ in range(block.rank)]
        self.owners = torch.nn.functional.one_hot(torch.tensor(owners)).to(torch.float64)

    def products(self, other: "_Block") -> "Tensor":
        elementwise = (self.b.T @ other.b) * (self.a @ other.a.T)
        return self.owners.T @ elementwise @ other.owners


def _read(module: str, adapters: Sequence[Adapter]) -> Iterator[Factors]:
    for adapter in adapters:
        yield adapter.factors(module)
