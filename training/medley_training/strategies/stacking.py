"""Exact aggregation: the stack of all products, brought to a rank."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from medley_training.factors import Factors
from medley_training.strategies.base import Context, Outcome, State, Strategy, Vote, ordered
from medley_training.strategies.projected import CARRY, outcome_of
from medley_training.strategies.reproject import Cut
from medley_training.strategies.stack import ModuleSum, Term


@dataclass(frozen=True, slots=True, kw_only=True)
class Stacking(Strategy):
    """``sum w s B A`` itself, an adapter of at most the sum of the ranks.

    FLoRA (Wang et al., arXiv:2409.05976) stacks; FlexLoRA (Bai et al., arXiv:2402.11505) and
    FLoRIST cut the sum to a rank or a share of energy. Ranks may be mixed, with alpha / r or
    rsLoRA. Training goes on from the best adapter of the trained rank.

    Attributes:
        rank: What is served has at most this rank; exact where it is not set.
        energy: What is served keeps this share of the squared singular values, module by module.
        carry: What is served but cut from the next start is added to the next round's sum, so that
            nothing learnt is lost. Its rank grows by the participants' each round, up to the
            weight's own; set `rank` to bound it. Participants train without it.

    Raises:
        RecipeError: An option is outside its range.
    """

    name: ClassVar[str] = "stacking"
    rank: int | None = None
    energy: float | None = None
    carry: bool = False

    def __post_init__(self) -> None:
        self._cut()

    def aggregate(self, context: Context, votes: Sequence[Vote], state: State) -> Outcome:
        """The sum by the votes' weights; memory grows with the ranks' sum unless `rank` is set."""
        votes = ordered(context, votes)
        terms = [Term(vote.weight, vote.adapter) for vote in votes]
        return outcome_of(
            context,
            lambda module: _WithCarry(ModuleSum(module, terms), _carried(state, module)),
            self._cut(),
            weights={vote.participant: vote.weight for vote in votes},
            carry=self.carry,
        )

    def _cut(self) -> Cut:
        return Cut(self.rank, self.energy)


class _WithCarry:
    def __init__(self, terms: ModuleSum, carried: Factors | None) -> None:
        self._terms = terms
        self._carried = carried

    def __iter__(self) -> Iterator[Factors]:
        yield from self._terms
        if self._carried is not None:
            yield self._carried


def _carried(state: State, module: str) -> Factors | None:
    a, b = state.get(f"{CARRY}{module}.A"), state.get(f"{CARRY}{module}.B")
    return None if a is None else Factors(a, b, 1.0)
