"""FedAvg on LoRA factors."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from medley_training.strategies.base import Context, Outcome, State, Strategy, Vote, ordered
from medley_training.strategies.mean import mean_adapter


@dataclass(frozen=True, slots=True, kw_only=True)
class FedAvg(Strategy):
    """The mean of A and the mean of B, apart.

    McMahan et al., "Communication-Efficient Learning of Deep Networks from Decentralized Data"
    (arXiv:1602.05629), on LoRA factors as in FedIT (Zhang et al., arXiv:2305.05644). Not exact: the
    product of the means leaves out ``sum w (B - mean B)(A - mean A)``.
    """

    name: ClassVar[str] = "fedavg"

    def aggregate(self, context: Context, votes: Sequence[Vote], state: State) -> Outcome:
        """The mean by the votes' weights."""
        del state
        votes = ordered(context, votes)
        mean = mean_adapter(context, votes)
        weights = {vote.participant: vote.weight for vote in votes}
        return Outcome(served=mean, next_start=mean, state={}, weights=weights)
