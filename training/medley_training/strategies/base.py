"""What every strategy is given, and what it gives back.

A strategy is a pure function of the round's votes: the same votes, start and state give the same
outcome bit for bit, whatever order the votes came in. That is what lets anybody recompute a round.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol, TypeAlias

from medley_training.errors import IncompatibleAdapter, TooFewContributions
from medley_training.factors import Adapter
from medley_training.local.lora import LoraShape

if TYPE_CHECKING:
    from torch import Tensor

State: TypeAlias = "Mapping[str, Tensor]"
Half: TypeAlias = Literal["A", "B"]
BOTH: frozenset[Half] = frozenset(("A", "B"))


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Vote:
    """One participant's contribution that counts in this round.

    Attributes:
        adapter: The whole adapter after local training, not its change.
        weight: Not negative; only the weights' ratios matter.
        loss: Mean loss of the round's start on the participant's data, in nats per token.
    """

    participant: str
    adapter: Adapter
    weight: float
    loss: float | None = None


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Context:
    """The round that the votes belong to.

    Attributes:
        start: What participants of full rank started from.
        round: Counted from 1.
        shape: What the next round trains.
        root: What the coordinator trained from `start` on clean data of its own (FLTrust).
        seed: For strategies that draw; none of ours does.
    """

    start: Adapter
    round: int
    shape: LoraShape
    root: Adapter | None = None
    seed: int = 0


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Outcome:
    """What a round comes to. Tensors are float64.

    Attributes:
        served: The aggregate; its rank may differ from the trained one.
        next_start: Of the trained rank and scale.
        state: What the next round's `aggregate` is given.
        weights: The coefficient of each participant's change in the aggregate; they need not sum
            to 1. A rule that is no weighted sum gives what comes nearest.
        notes: Sentences for the run's record.
    """

    served: Adapter
    next_start: Adapter
    state: State
    weights: Mapping[str, float]
    notes: tuple[str, ...] = ()


class Strategy(Protocol):
    """A rule that puts contributions together; its fields are its options."""

    name: ClassVar[str]
    needs_root: ClassVar[bool] = False
    needs_loss: ClassVar[bool] = False

    @property
    def mu(self) -> float:
        """The pull of local training towards the round's start (FedProx); 0 is none."""
        return 0.0

    def trained(self, round_number: int) -> frozenset[Half]:
        """The factors that participants train in a round, counted from 1."""
        del round_number
        return BOTH

    def aggregate(self, context: Context, votes: Sequence[Vote], state: State) -> Outcome:
        """Put the votes of one round together.

        Raises:
            TooFewContributions: No vote, or fewer than the rule needs.
            RecipeError: The rule cannot take what the recipe lets participants send.
            IncompatibleAdapter: The votes' modules or shapes differ.
        """
        ...


def ordered(context: Context, votes: Sequence[Vote]) -> tuple[Vote, ...]:
    """The votes by name with weights that sum to 1.

    Raises:
        TooFewContributions: There is none, or none has weight.
        IncompatibleAdapter: A vote's modules are not the start's.
        ValueError: A weight is negative or not finite, or a participant votes twice.
    """
    votes = sorted(votes, key=lambda vote: vote.participant)
    total = math.fsum(vote.weight for vote in votes)
    if not math.isfinite(total) or any(vote.weight < 0 for vote in votes):
        raise ValueError(f"weights must be finite and not negative: {[v.weight for v in votes]}")
    if total == 0:
        raise TooFewContributions("no contribution has any weight")
    if len({vote.participant for vote in votes}) < len(votes):
        raise ValueError("a participant votes twice")
    for vote in votes:
        if vote.adapter.modules != context.start.modules:
            raise IncompatibleAdapter(f"{vote.participant}: its modules are not the start's")
    return tuple(replace(vote, weight=vote.weight / total) for vote in votes)
