"""What exists and where its bytes are: base models, adapters, versions, aliases, events."""

from medley_registry.adapters import Adapter, Version, VersionState
from medley_registry.aliases import Alias, AliasMove, MoveReason
from medley_registry.base_folder import Progress
from medley_registry.bases import BaseModel
from medley_registry.decisions import Decision, Outcome
from medley_registry.digest import Digest
from medley_registry.errors import (
    AccessDenied,
    AdapterNotFound,
    AdmissionRefused,
    AliasInUse,
    AliasNotFound,
    AliasProtected,
    AmbiguousDigest,
    BaseMismatch,
    BaseNotFound,
    BlobMissing,
    Busy,
    Conflict,
    Damaged,
    DigestMismatch,
    IllegalTransition,
    IndexDamaged,
    InvalidReference,
    KeyNotFound,
    NameTaken,
    NeedsMigration,
    NotARegistry,
    NotFound,
    NothingToRollBack,
    NotServable,
    Refused,
    RegistryError,
    SignatureRefused,
    StaleGeneration,
    Unavailable,
    UnsupportedLocation,
    VersionDeleted,
    VersionNotFound,
    Withdrawn,
)
from medley_registry.events import Event, EventKind
from medley_registry.evidence import Evidence, EvidenceKind
from medley_registry.item_scores import Item
from medley_registry.keys import AccessKey, Signature, TrustedKey
from medley_registry.leases import Lease
from medley_registry.lineage import Contribution, Lineage, Parent, Relation
from medley_registry.location import medley_home, registry_folder
from medley_registry.manifest import FileEntry, Manifest
from medley_registry.opening import open_registry
from medley_registry.policies import (
    AliasPolicy,
    Approval,
    Better,
    Comparison,
    Over,
    Protection,
    Requirement,
)
from medley_registry.references import DEFAULT_ALIAS, Reference
from medley_registry.registry import Registry
from medley_registry.signing import KeySigner, Signer, make_key
from medley_registry.variants import Variant, VariantKind
from medley_registry.withdrawals import Revocation, Tombstone

__all__ = [
    "DEFAULT_ALIAS",
    "AccessDenied",
    "AccessKey",
    "Adapter",
    "AdapterNotFound",
    "AdmissionRefused",
    "Alias",
    "AliasInUse",
    "AliasMove",
    "AliasNotFound",
    "AliasPolicy",
    "AliasProtected",
    "AmbiguousDigest",
    "Approval",
    "BaseMismatch",
    "BaseModel",
    "BaseNotFound",
    "Better",
    "BlobMissing",
    "Busy",
    "Comparison",
    "Conflict",
    "Contribution",
    "Damaged",
    "Decision",
    "Digest",
    "DigestMismatch",
    "Event",
    "EventKind",
    "Evidence",
    "EvidenceKind",
    "FileEntry",
    "IllegalTransition",
    "IndexDamaged",
    "InvalidReference",
    "Item",
    "KeyNotFound",
    "KeySigner",
    "Lease",
    "Lineage",
    "Manifest",
    "MoveReason",
    "NameTaken",
    "NeedsMigration",
    "NotARegistry",
    "NotFound",
    "NotServable",
    "NothingToRollBack",
    "Outcome",
    "Over",
    "Parent",
    "Progress",
    "Protection",
    "Reference",
    "Refused",
    "Registry",
    "RegistryError",
    "Relation",
    "Requirement",
    "Revocation",
    "Signature",
    "SignatureRefused",
    "Signer",
    "StaleGeneration",
    "Tombstone",
    "TrustedKey",
    "Unavailable",
    "UnsupportedLocation",
    "Variant",
    "VariantKind",
    "Version",
    "VersionDeleted",
    "VersionNotFound",
    "VersionState",
    "Withdrawn",
    "make_key",
    "medley_home",
    "open_registry",
    "registry_folder",
]
