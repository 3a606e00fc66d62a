"""RoLoRA: B and A take turns."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from medley_training.strategies.base import Context, Half, Outcome, State, Strategy, Vote, ordered
from medley_training.strategies.mean import mean_adapter


@dataclass(frozen=True, slots=True, kw_only=True)
class RoLora(Strategy):
    """B is trained and averaged in odd rounds, A in even ones; exact in each.

    Chen et al., "Robust Federated Finetuning of LLMs via Alternating Optimization of LoRA"
    (arXiv:2502.01755). B comes first because it starts at zero, where A has no gradient.
    """

    name: ClassVar[str] = "rolora"

    def trained(self, round_number: int) -> frozenset[Half]:
        """B in odd rounds, A in even ones."""
        return frozenset(("B",) if round_number % 2 else ("A",))

    def aggregate(self, context: Context, votes: Sequence[Vote], state: State) -> Outcome:
        """The mean of the round's factor by the votes' weights."""
        del state
        votes = ordered(context, votes)
        mean = mean_adapter(context, votes, trained=self.trained(context.round))
        weights = {vote.participant: vote.weight for vote in votes}
        return Outcome(served=mean, next_start=mean, state={}, weights=weights)
