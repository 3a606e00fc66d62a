"""Variants, and what was measured of them."""

from typing import Any, Self

from medley_registry import EvidenceKind, Item, VariantKind
from pydantic import Field, model_validator

from medley_server.schemas.fields import (
    At,
    Body,
    Finite,
    Line,
    Metrics,
    Plain,
    Record,
    SentDigest,
    Text,
)


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


class ItemBody(Body):
    """What one document or question contributed: by metric, a sum and what it is divided by."""

    item: Line
    cluster: Line
    site: Line = ""
    tallies: dict[str, tuple[Finite, Finite]]

    @model_validator(mode="after")
    def _is_an_item(self) -> Self:
        self.read()
        return self

    def read(self) -> Item:
        """The registry's own."""
        return Item.from_json(self.model_dump())


class EvidenceBody(Body):
    """A result about one variant, perhaps with the items that it adds up from."""

    variant: VariantKind = VariantKind.BF16
    kind: EvidenceKind
    suite: str
    suite_digest: SentDigest
    environment: Plain
    metrics: Metrics
    items: list[ItemBody] = Field(default_factory=list)
