"""What exists and where its bytes are: base models, adapters, versions, aliases, events."""

from medley_registry.adapters import Adapter, Alias, AliasMove, MoveReason, Version, VersionState
from medley_registry.base_folder import Progress
from medley_registry.bases import BaseModel
from medley_registry.digest import Digest
from medley_registry.errors import (
    AdapterNotFound,
    AdmissionRefused,
    AliasNotFound,
    AmbiguousDigest,
    BaseMismatch,
    BaseNotFound,
    BlobMissing,
    Busy,
    Conflict,
    Damaged,
    DigestMismatch,
    IndexDamaged,
    InvalidReference,
    NameTaken,
    NotARegistry,
    NotFound,
    NothingToRollBack,
    Refused,
    RegistryError,
    StaleGeneration,
    Unavailable,
    UnsupportedLocation,
    VersionNotFound,
)
from medley_registry.events import Event, EventKind
from medley_registry.location import medley_home, registry_folder
from medley_registry.manifest import FileEntry, Manifest
from medley_registry.opening import open_registry
from medley_registry.references import DEFAULT_ALIAS, Reference
from medley_registry.registry import Registry

__all__ = [
    "DEFAULT_ALIAS",
    "Adapter",
    "AdapterNotFound",
    "AdmissionRefused",
    "Alias",
    "AliasMove",
    "AliasNotFound",
    "AmbiguousDigest",
    "BaseMismatch",
    "BaseModel",
    "BaseNotFound",
    "BlobMissing",
    "Busy",
    "Conflict",
    "Damaged",
    "Digest",
    "DigestMismatch",
    "Event",
    "EventKind",
    "FileEntry",
    "IndexDamaged",
    "InvalidReference",
    "Manifest",
    "MoveReason",
    "NameTaken",
    "NotARegistry",
    "NotFound",
    "NothingToRollBack",
    "Progress",
    "Reference",
    "Refused",
    "Registry",
    "RegistryError",
    "StaleGeneration",
    "Unavailable",
    "UnsupportedLocation",
    "Version",
    "VersionNotFound",
    "VersionState",
    "medley_home",
    "open_registry",
    "registry_folder",
]
