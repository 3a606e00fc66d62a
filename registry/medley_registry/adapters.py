"""Adapters, their versions, and the aliases that point at versions."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from medley_registry.digest import Digest
from medley_registry.manifest import Manifest
from medley_registry.references import Reference

# Half a digest names a version uniquely and keeps engine logs and metric labels readable.
_ENGINE_NAME_HEX = 32


class VersionState(StrEnum):
    """Where a version stands; only an admitted one may be the target of an alias."""

    ADMITTED = "admitted"


class MoveReason(StrEnum):
    PROMOTE = "promote"
    ROLLBACK = "rollback"


@dataclass(frozen=True, slots=True)
class Adapter:
    """A named family of versions, all for exactly one base model."""

    name: str
    base: str
    base_id: Digest
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """An immutable snapshot of an adapter; numbers run from 1 without a gap."""

    adapter: str
    number: int
    digest: Digest
    base: str
    base_id: Digest
    rank: int
    alpha: float
    target_modules: tuple[str, ...]
    round: int | None
    state: VersionState
    note: str
    published_by: str
    created_at: datetime
    manifest: Manifest

    @property
    def reference(self) -> str:
        return str(Reference(self.adapter, number=self.number))

    @property
    def size_bytes(self) -> int:
        return self.manifest.size_bytes

    @property
    def engine_name(self) -> str:
        """What the engine calls this version: made from content, so it is never reused."""
        return f"{self.adapter}@{self.digest.hex[:_ENGINE_NAME_HEX]}"


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


def rollback_target(moves: list[AliasMove]) -> int | None:
    """The version to go back to, from all moves of one alias in order.

    The moves are replayed on a stack: a promotion pushes its target, a rollback pops. The answer
    is what lies under the top, so repeated rollbacks walk 3 → 2 → 1 and never swing back to 3.

    Returns:
        None when nothing lies under the top.
    """
    stack: list[int] = []
    for move in moves:
        if move.reason is MoveReason.PROMOTE:
            stack.append(move.to_number)
        else:
            stack.pop()
    return stack[-2] if len(stack) > 1 else None
