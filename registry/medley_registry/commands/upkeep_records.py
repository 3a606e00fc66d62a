"""What ``--json`` prints of checks, collections and copies of a registry (see `records`)."""

from typing_extensions import TypedDict


class FindingRecord(TypedDict):
    """Damage that was found."""

    code: str
    """What kind of damage, as `medley_registry.findings` lists them."""
    subject: str
    detail: str


class CheckedRecord(TypedDict):
    """What a check of the whole registry looked at, and what it found."""

    findings: list[FindingRecord]
    versions: int
    events: int
    blobs: int
    size_bytes: int
    orphans: int
    """Blobs that nothing names: no damage, but work for a collection."""


class CollectedRecord(TypedDict):
    """What a collection removed, or would."""

    blobs: int
    size_bytes: int
    leftovers: int
    """Files that killed transfers had left."""
    kept: int
    """Blobs that something reaches."""
    young: int
    """Blobs that nothing reaches, younger than the grace."""
    is_dry_run: bool


class CopiedRecord(TypedDict):
    """What a backup or a restore copied."""

    versions: int
    events: int
    blobs: int
    size_bytes: int
    findings: list[FindingRecord]
    """What is wrong with a restored registry."""


class RegistryRecord(TypedDict):
    """A registry that was made, or was there."""

    place: str
    is_new: bool
    key_id: str | None
    """The key of this user that it trusts."""
    key_path: str | None
