"""Variants, and what was measured of them."""

from typing import Any

from medley_registry import EvidenceKind, VariantKind

from medley_server.schemas.fields import At, Body, Metrics, Plain, Record, SentDigest, Text


class VariantRecord(Record):
    adapter: str
    number: int
    kind: VariantKind
    digest: Text
    version_digest: Text
    base: str
    base_id: Text
    recipe: dict[str, Any]
    made_by: str
    created_at: At


class VariantList(Record):
    variants: list[VariantRecord]


class EvidenceRecord(Record):
    adapter: str
    number: int
    digest: Text
    variant: VariantKind
    variant_digest: Text
    kind: EvidenceKind
    suite: str
    suite_digest: Text
    environment: dict[str, Any]
    metrics: dict[str, float]
    actor: str
    at: At


class EvidenceList(Record):
    """Oldest first."""

    evidence: list[EvidenceRecord]


class EvidenceBody(Body):
    """A result about one variant."""

    variant: VariantKind = VariantKind.BF16
    kind: EvidenceKind
    suite: str
    suite_digest: SentDigest
    environment: Plain
    metrics: Metrics
