"""Weighted sums of updates, kept as thin factors.

``sum c_k s_k B_k A_k`` is the product of the B side by side and the A one above the other: exact,
for any mix of ranks and scales (FLoRA, Wang et al., arXiv:2409.05976).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from medley_training.factors import Adapter, Factors


@dataclass(frozen=True, slots=True, eq=False)
class Term:
    """An adapter and what it is multiplied by."""

    coefficient: float
    adapter: Adapter


class ModuleSum:
    """One module's sum; each pass over it reads every term once and keeps none.

    Yields the terms in float64 with coefficient and scale folded into B. Terms that are multiplied
    by 0 are not read.
    """

    def __init__(self, module: str, terms: Sequence[Term]) -> None:
        self._module = module
        self._terms = [term for term in terms if term.coefficient] or list(terms)[:1]

    def __iter__(self) -> Iterator[Factors]:
        for term in self._terms:
            yield folded(term.adapter.factors(self._module), term.coefficient)


def folded(factors: Factors, coefficient: float = 1.0) -> Factors:
    """The same update in float64 with its scale, and a coefficient, folded into B."""
    import torch

    b = factors.b.to(torch.float64) * (coefficient * factors.scale)
    return Factors(factors.a.to(torch.float64), b, 1.0)


def stacked(terms: Iterable[Factors], limit: int | None = None) -> Factors | None:
    """The exact sum of `terms`, of the least of: the sum of their ranks, and the weight's sides.

    A stack that would be wider than the weight's narrow side is written out over that side, with
    the identity as its other factor; that is smaller than the stack, and as exact.

    Args:
        terms: With scale 1; read once, or twice where the sum is written out.
        limit: Give up, with None, where the factors would have more columns than this.
    """
    import torch

    blocks: list[Factors] = []
    columns = 0
    for term in terms:
        blocks.append(term)
        columns += term.rank
        narrow = min(term.shape)
        if columns > narrow and (limit is None or narrow <= limit):
            blocks.clear()
            return _written_out(terms)
        if limit is not None and columns > limit:
            return None
    a, b = torch.cat([block.a for block in blocks]), torch.cat([block.b for block in blocks], 1)
    return Factors(a, b, 1.0)


def _written_out(terms: Iterable[Factors]) -> Factors:
    import torch

    total = None
    for term in terms:
        if total is None:
            total = term.b.new_zeros(term.shape)
        total.addmm_(term.b, term.a)
    assert total is not None, "a sum has at least one term"
    identity = torch.eye(min(total.shape), dtype=total.dtype)
    if total.shape[0] <= total.shape[1]:
        return Factors(total, identity, 1.0)
    return Factors(identity, total, 1.0)
