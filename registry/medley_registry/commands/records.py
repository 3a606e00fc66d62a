"""What ``--json`` prints: keys are stable, added to and never renamed.

Digests are ``sha256:<hex>`` (a file's ``sha256`` is the bare hex), points in time RFC 3339 in UTC,
sizes bytes. `medley registry schema` and ``docs/registry-json.md`` are made from these types and
the words below their fields.
"""

from typing import Any, Literal

from typing_extensions import TypedDict  # the schema's maker wants this one before Python 3.12

from medley_registry.commands.words import Form, Measurement

State = Literal["draft", "quarantined", "validated", "admitted", "deprecated", "revoked", "deleted"]
Move = Literal["promote", "rollback", "withdraw"]


class BaseRecord(TypedDict):
    """A base model."""

    name: str
    base_id: str
    """Covers weights, configuration, tokenizer and chat template."""
    architecture: str
    path: str
    """Where its files lie on the machine that added it; no part of its identity."""
    weights_digest: str
    config_digest: str
    tokenizer_digest: str
    chat_template_digest: str | None
    created_at: str
    derived_from: str | None
    """The base_id of the base it was quantized from."""
    recipe: dict[str, Any] | None
    """How it was quantized."""


class BaseDetail(BaseRecord):
    """A base model, and what an adapter may touch of it."""

    module_shapes: dict[str, list[int]]
    """The [out, in] shape of every two-dimensional weight, by module."""


class AdapterRecord(TypedDict):
    """An adapter."""

    name: str
    base: str
    base_id: str
    versions: int
    """How many it has had; deleted ones count."""
    aliases: dict[str, int]
    """The number each alias points at."""
    created_at: str


class FileRecord(TypedDict):
    """One file of a version."""

    path: str
    size: int
    sha256: str
    media_type: str


class ParentRecord(TypedDict):
    """A version that another came from."""

    reference: str
    digest: str
    relation: Literal["aggregated_from", "trained_from", "quantized_from", "merged_from"]


class ContributionRecord(TypedDict):
    """A participant's accepted part in a round."""

    participant: str
    digest: str
    weight: float
    """Its share of the aggregate."""
    key_id: str
    """The key that signed it; empty where none did."""


class LineageRecord(TypedDict):
    """What a version came from."""

    parents: list[ParentRecord]
    contributions: list[ContributionRecord]
    run: str
    recipe: str | None
    strategy: str
    origin: str
    """Where an imported version came from; empty for others."""


class VersionRecord(TypedDict):
    """A version."""

    reference: str
    adapter: str
    number: int
    digest: str
    base: str
    base_id: str
    rank: int
    alpha: float
    target_modules: list[str]
    size_bytes: int
    round: int | None
    state: State
    note: str
    published_by: str
    created_at: str
    aliases: list[str]
    """The aliases that point at it."""
    files: list[FileRecord]
    lineage: LineageRecord


class VariantRecord(TypedDict):
    """One form of a version, for one base model."""

    adapter: str
    number: int
    kind: Form
    digest: str
    """What evidence is bound to."""
    version_digest: str
    base: str
    base_id: str
    recipe: dict[str, Any]
    made_by: str
    created_at: str


class EvidenceRecord(TypedDict):
    """What was measured of a variant."""

    digest: str
    adapter: str
    number: int
    variant: Form
    variant_digest: str
    kind: Measurement
    suite: str
    suite_digest: str
    environment: dict[str, Any]
    metrics: dict[str, float]
    actor: str
    at: str


class SignatureRecord(TypedDict):
    """A signature on a version."""

    key_id: str
    key_name: str
    by: str
    at: str


class VersionDetail(VersionRecord):
    """A version, and all that is known of it."""

    variants: list[VariantRecord]
    evidence: list[EvidenceRecord]
    signatures: list[SignatureRecord]
    withdrawn_because: str | None
    """Why it was revoked."""


class CheckRecord(TypedDict):
    """One thing that was verified."""

    subject: str
    """A file, ``manifest``, ``signature`` or ``state``."""
    is_good: bool
    detail: str


class VerificationRecord(TypedDict):
    """Whether a version is what was published, and may be used."""

    reference: str
    digest: str
    is_good: bool
    checks: list[CheckRecord]


class AliasRecord(TypedDict):
    """Where an alias points."""

    adapter: str
    name: str
    number: int
    digest: str
    generation: int
    """How often it has moved."""
    updated_at: str


class MoveRecord(TypedDict):
    """A move of an alias."""

    adapter: str
    alias: str
    generation: int
    from_number: int | None
    """None for its first."""
    to_number: int
    reason: Move
    actor: str
    at: str


class TenureRecord(TypedDict):
    """From when to when an alias pointed at a version, and who let it."""

    adapter: str
    alias: str
    number: int
    generation: int
    reason: Move
    actor: str
    since: str
    until: str | None
    """None while it still does."""


class RevocationRecord(TypedDict):
    """Content taken back."""

    digest: str
    reason: str
    moved: list[AliasRecord]
    """The aliases that had to step back, as they stand now."""


class TombstoneRecord(TypedDict):
    """What is left of a deleted version."""

    adapter: str
    number: int
    digest: str
    reason: str
    actor: str
    at: str


class EventRecord(TypedDict):
    """An event; one a line."""

    seq: int
    at: str
    kind: str
    subject: str
    actor: str
    payload: dict[str, Any]
    previous_hash: str
    hash: str


class TrustedKeyRecord(TypedDict):
    """A public key whose signatures count, or did."""

    key_id: str
    name: str
    public_key: str
    """PEM."""
    valid_from: str
    valid_until: str | None
    added_by: str
    distrusted_at: str | None


class AccessKeyRecord(TypedDict):
    """A caller's key; its secret is not kept."""

    key_id: str
    name: str
    scopes: list[str]
    created_by: str
    created_at: str
    expires_at: str | None
    revoked_at: str | None


class GrantedKeyRecord(AccessKeyRecord):
    """A caller's new key."""

    secret: str
    """Shown this once."""
