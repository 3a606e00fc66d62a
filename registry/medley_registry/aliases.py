"""Aliases: movable pointers to versions, with every move they ever made."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from medley_registry.digest import Digest
from medley_registry.references import Reference


class MoveReason(StrEnum):
    """Why an alias moved; ``withdraw``: its version was revoked or quarantined."""

    PROMOTE = "promote"
    ROLLBACK = "rollback"
    WITHDRAW = "withdraw"


@dataclass(frozen=True, slots=True)
class Alias:
    """A movable pointer to a version; ``generation`` counts its moves from 1."""

    adapter: str
    name: str
    number: int
    digest: Digest
    generation: int
    updated_at: datetime

    @property
    def reference(self) -> str:
        return str(Reference(self.adapter, alias=self.name))


@dataclass(frozen=True, slots=True)
class AliasMove:
    """One move of an alias, kept for ever; ``from_number`` is None for the first."""

    adapter: str
    alias: str
    generation: int
    from_number: int | None
    to_number: int
    actor: str
    reason: MoveReason
    at: datetime


def rollback_targets(moves: Sequence[AliasMove]) -> list[int]:
    """The versions to go back to, nearest first, from all moves of one alias in order.

    The moves are replayed on a stack: a promotion pushes its target; a rollback or a withdrawal
    pops down to its own. The answer is what lies under the top, so repeated rollbacks walk
    3 → 2 → 1 and never swing back to 3.
    """
    stack: list[int] = []
    for move in moves:
        if move.reason is not MoveReason.PROMOTE:
            stack.pop()
            while stack and stack[-1] != move.to_number:
                stack.pop()
        if stack[-1:] != [move.to_number]:
            stack.append(move.to_number)
    return stack[-2::-1]
