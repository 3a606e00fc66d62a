"""Adapters and their versions."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from medley_registry.digest import Digest
from medley_registry.lineage import Lineage
from medley_registry.manifest import Manifest
from medley_registry.references import Reference

# Half a digest names a version uniquely and keeps engine logs and metric labels readable.
_ENGINE_NAME_HEX = 32


class VersionState(StrEnum):
    """Where a version stands; `NEXT_STATES` says where it may go from there."""

    DRAFT = "draft"
    QUARANTINED = "quarantined"
    VALIDATED = "validated"
    ADMITTED = "admitted"
    DEPRECATED = "deprecated"
    REVOKED = "revoked"
    DELETED = "deleted"

    @property
    def is_servable(self) -> bool:
        """Whether requests may be answered with it; only an admitted one is promoted."""
        return self in (VersionState.ADMITTED, VersionState.DEPRECATED)


_WITHDRAWN = frozenset({VersionState.REVOKED, VersionState.DELETED})
NEXT_STATES: dict[VersionState, frozenset[VersionState]] = {
    VersionState.DRAFT: _WITHDRAWN | {VersionState.QUARANTINED, VersionState.VALIDATED},
    VersionState.QUARANTINED: _WITHDRAWN | {VersionState.VALIDATED},
    VersionState.VALIDATED: _WITHDRAWN | {VersionState.QUARANTINED, VersionState.ADMITTED},
    VersionState.ADMITTED: _WITHDRAWN | {VersionState.QUARANTINED, VersionState.DEPRECATED},
    VersionState.DEPRECATED: _WITHDRAWN | {VersionState.QUARANTINED, VersionState.ADMITTED},
    VersionState.REVOKED: frozenset({VersionState.DELETED}),
    VersionState.DELETED: frozenset(),
}
FIRST_STATES = frozenset(VersionState) - _WITHDRAWN - {VersionState.DEPRECATED}
"""What a version may be published as."""


@dataclass(frozen=True, slots=True)
class Adapter:
    """A named family of versions, all for exactly one base model; its name is never reused."""

    name: str
    base: str
    base_id: Digest
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """An immutable snapshot of an adapter; numbers run from 1 without a gap.

    Only ``state`` changes. A deleted version keeps its row; its bytes go in time.
    """

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
    lineage: Lineage = field(default_factory=Lineage)

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
