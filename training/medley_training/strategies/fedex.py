"""FedEx-LoRA without touching the base."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from medley_training.factors import Adapter, Factors
from medley_training.strategies.base import Context, Outcome, State, Strategy, Vote, ordered
from medley_training.strategies.mean import mean_adapter
from medley_training.strategies.projected import outcome_of
from medley_training.strategies.reproject import Cut
from medley_training.strategies.stack import ModuleSum, Term, folded


@dataclass(frozen=True, slots=True, kw_only=True)
class FedEx(Strategy):
    """The exact sum is served; training goes on from the mean of the factors.

    Singhal et al., "FedEx-LoRA" (arXiv:2410.09432) average the factors and add the residual,
    ``sum w B A - mean B mean A``, to the base's weights. That would end serving many adapters from
    one frozen, maybe quantized, base. Mean and residual together are an adapter of at most the sum
    of the ranks, and that is what is served. The residual is of this round's contributions: it is
    not trained upon and not added up over rounds, as it is in the paper.
    """

    name: ClassVar[str] = "fedex"

    def aggregate(self, context: Context, votes: Sequence[Vote], state: State) -> Outcome:
        """The exact sum by the votes' weights; memory grows with the ranks' sum.

        Raises:
            RecipeError: Ranks are mixed.
        """
        del state
        votes = ordered(context, votes)
        mean = mean_adapter(context, votes)
        terms = [Term(vote.weight, vote.adapter) for vote in votes]
        weights = {vote.participant: vote.weight for vote in votes}
        exact = outcome_of(context, lambda module: ModuleSum(module, terms), Cut(), weights=weights)
        share = _residual_share(exact.served, mean)
        note = f"the mean of the factors alone misses {share:.2e} of the exact sum's norm"
        return Outcome(
            served=exact.served, next_start=mean, state={}, weights=weights, notes=(note,)
        )


def _residual_share(exact: Adapter, mean: Adapter) -> float:
    residual = total = 0.0
    for module in exact.modules:
        wanted, found = folded(exact.factors(module)), folded(mean.factors(module), -1.0)
        total += _squared_norm([wanted])
        residual += _squared_norm([wanted, found])
    return float((residual / total) ** 0.5) if total else 0.0


def _squared_norm(terms: Sequence[Factors]) -> float:
    import torch

    r_b = torch.linalg.qr(torch.cat([term.b for term in terms], 1), mode="r").R
    r_a = torch.linalg.qr(torch.cat([term.a for term in terms]).T, mode="r").R
    return float((r_b @ r_a.T).square().sum())
