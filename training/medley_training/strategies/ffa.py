"""FFA-LoRA: A stays as it was drawn, only B is trained and averaged."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from medley_training.strategies.base import Context, Half, Outcome, State, Strategy, Vote, ordered
from medley_training.strategies.mean import mean_adapter


@dataclass(frozen=True, slots=True, kw_only=True)
class FfaLora(Strategy):
    """The mean of B over one shared A, which is exactly the mean of the products.

    Sun et al., "Improving LoRA in Privacy-preserving Federated Learning" (arXiv:2403.12313). Half
    the upload, and noise on B stays noise: it is never multiplied by noise on A.
    """

    name: ClassVar[str] = "ffa"

    def trained(self, round_number: int) -> frozenset[Half]:
        """Only B, in every round."""
        del round_number
        return frozenset(("B",))

    def aggregate(self, context: Context, votes: Sequence[Vote], state: State) -> Outcome:
        """The mean of B by the votes' weights."""
        del state
        votes = ordered(context, votes)
        mean = mean_adapter(context, votes, trained=self.trained(context.round))
        weights = {vote.participant: vote.weight for vote in votes}
        return Outcome(served=mean, next_start=mean, state={}, weights=weights)
