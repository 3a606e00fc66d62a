"""The kinds of records an index keeps: what each is found by, and what of it may change.

Everything else about a record is final once written, which both databases enforce.
"""

from dataclasses import dataclass
from typing import Any, TypeVar

from medley_registry.adapters import Adapter, Version
from medley_registry.aliases import Alias, AliasMove
from medley_registry.bases import BaseModel
from medley_registry.decisions import Decision
from medley_registry.evidence import Evidence
from medley_registry.item_scores import ItemScores
from medley_registry.keys import AccessKey, Signature, TrustedKey
from medley_registry.leases import Lease, Upload
from medley_registry.policies import Approval, Protection
from medley_registry.traffic import TrafficRule
from medley_registry.variants import Variant
from medley_registry.withdrawals import Revocation, Tombstone

Record = (
    BaseModel
    | Adapter
    | Version
    | Variant
    | Evidence
    | ItemScores
    | Signature
    | Alias
    | AliasMove
    | Protection
    | Approval
    | Decision
    | TrafficRule
    | TrustedKey
    | AccessKey
    | Revocation
    | Tombstone
    | Lease
    | Upload
)
R = TypeVar("R")
"""Stands for one of the kinds."""


@dataclass(frozen=True, slots=True)
class Kind:
    """How records of one kind are kept; ``is_passing``: they may also be removed."""

    key: tuple[str, ...]
    changeable: frozenset[str] = frozenset()
    is_passing: bool = False


_VERSION = ("adapter", "number")
KINDS: dict[type[Any], Kind] = {
    BaseModel: Kind(("name",), changeable=frozenset({"path"})),
    Adapter: Kind(("name",)),
    Version: Kind(_VERSION, changeable=frozenset({"state"})),
    Variant: Kind((*_VERSION, "kind")),
    Evidence: Kind((*_VERSION, "ordinal")),
    ItemScores: Kind((*_VERSION, "ordinal")),
    Signature: Kind((*_VERSION, "key_id")),
    Alias: Kind(
        ("adapter", "name"),
        changeable=frozenset({"number", "digest", "generation", "updated_at"}),
    ),
    AliasMove: Kind(("adapter", "alias", "generation")),
    Protection: Kind(("adapter", "alias", "revision")),
    Approval: Kind(("adapter", "alias", "generation", "revision", "number", "actor")),
    Decision: Kind(("adapter", "alias", "generation", "ordinal")),
    TrafficRule: Kind(("adapter", "alias", "revision")),
    TrustedKey: Kind(("key_id",), changeable=frozenset({"distrusted_at"})),
    AccessKey: Kind(("key_id",), changeable=frozenset({"revoked_at"})),
    Revocation: Kind(("digest",)),
    Tombstone: Kind(_VERSION),
    Lease: Kind(("holder", "digest"), changeable=frozenset({"expires_at"}), is_passing=True),
    Upload: Kind(("id", "digest"), is_passing=True),
}


def key_of(record: Record) -> tuple[object, ...]:
    """What the record is found by, among those of its kind."""
    return tuple(getattr(record, name) for name in KINDS[type(record)].key)
