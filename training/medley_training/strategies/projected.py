"""The outcome of a rule whose aggregate is a sum of products."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from medley_training.factors import Factors, TensorAdapter
from medley_training.strategies.base import Context, Outcome
from medley_training.strategies.reproject import Cut, Svd, next_factors, svd_of

if TYPE_CHECKING:
    from torch import Tensor

CARRY = "carry."


class Sums(Protocol):
    """Gives one module's sum as terms of scale 1 that can be read more than once."""

    def __call__(self, module: str) -> Iterable[Factors]:
        """The terms of one module."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Projected:
    """One module: what is served, what training goes on from, and what lies between them."""

    served: Factors
    next_start: Factors
    rest: Factors | None
    svd: Svd


def projected(terms: Iterable[Factors], cut: Cut, context: Context, module: str) -> Projected:
    """Bring one module's sum to the served and to the trained rank."""
    shape = context.shape
    exact = cut.rank is None or cut.energy is not None
    svd = svd_of(terms, None if exact else max(cut.rank or 0, shape.rank))
    rank = cut.rank_of(svd.s)
    served = svd.factors(rank, scale=shape.scale if rank == shape.rank else 1.0)
    rest = svd.factors(rank, skip=shape.rank) if rank > shape.rank else None
    return Projected(served, next_factors(svd, shape, context.start.factors(module)), rest, svd)


def outcome_of(
    context: Context,
    sums: Sums,
    cut: Cut,
    *,
    weights: Mapping[str, float],
    notes: tuple[str, ...] = (),
    carry: bool = False,
) -> Outcome:
    """The outcome whose served adapter is `sums` after `cut`.

    Args:
        context: The round.
        sums: The aggregate, module by module.
        cut: What is served of it.
        weights: What each participant's change counted.
        notes: Put before those on accuracy.
        carry: Keep what is served but not trained on as the state.
    """
    served, starts = {}, {}
    state: dict[str, Tensor] = {}
    slowest: Svd | None = None
    for module in context.start.modules:
        part = projected(sums(module), cut, context, module)
        served[module], starts[module] = part.served, part.next_start
        if carry and part.rest is not None:
            state |= {f"{CARRY}{module}.A": part.rest.a, f"{CARRY}{module}.B": part.rest.b}
        if slowest is None or part.svd.gain > slowest.gain or not slowest.rounds:
            slowest = part.svd
    if slowest is not None and slowest.rounds:
        added = f"the last added {slowest.gain:.1e} of the energy kept"
        notes += (f"{slowest.rounds} rounds of block iteration; {added}",)
    return Outcome(
        served=TensorAdapter(served),
        next_start=TensorAdapter(starts),
        state=state,
        weights=weights,
        notes=notes,
    )
