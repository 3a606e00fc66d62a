"""Variants: one deployable form of a version, for one form of its base model."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from medley_registry.canonical import Json, canonical_json
from medley_registry.digest import Digest


class VariantKind(StrEnum):
    """``bf16`` is the version on its own base as it stands; every version has that one."""

    BF16 = "bf16"
    NF4 = "nf4"
    AWQ = "awq"
    MERGED = "merged"
    MERGED_AWQ = "merged-awq"
    GGUF = "gguf"


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """A version on a base model it may be served on; ``recipe`` says how that form was made."""

    adapter: str
    number: int
    kind: VariantKind
    version_digest: Digest
    base: str
    base_id: Digest
    recipe: dict[str, Json]
    made_by: str
    created_at: datetime

    @property
    def digest(self) -> Digest:
        """What evidence is bound to: the version's content, the form, the base and the recipe."""
        return Digest.of(
            canonical_json(
                {
                    "version": self.version_digest.hex,
                    "kind": self.kind.value,
                    "base_id": self.base_id.hex,
                    "recipe": self.recipe,
                }
            )
        )
