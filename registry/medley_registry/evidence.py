"""Evidence: what was measured of a variant, where, and by whom. Appended, never changed."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from medley_registry.canonical import Json, canonical_json
from medley_registry.digest import Digest
from medley_registry.timestamps import to_text
from medley_registry.variants import Variant, VariantKind


class EvidenceKind(StrEnum):
    EVALUATION = "evaluation"
    BENCHMARK = "benchmark"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One result. It belongs to exactly one variant and is never inherited by another.

    ``suite`` and ``suite_digest`` name what was run and its content; ``environment`` is the
    fingerprint of hardware and software; ``digest`` covers the variant's digest and all of this,
    items apart (`medley_registry.item_scores`). ``ordinal`` counts a version's evidence from 1: by
    it, not by a clock, one result is newer than another.
    """

    digest: Digest
    adapter: str
    number: int
    variant: VariantKind
    variant_digest: Digest
    kind: EvidenceKind
    suite: str
    suite_digest: Digest
    environment: dict[str, Json]
    metrics: dict[str, float]
    actor: str
    at: datetime
    ordinal: int = 1

    @classmethod
    def of(
        cls,
        variant: Variant,
        *,
        kind: EvidenceKind,
        suite: str,
        suite_digest: Digest,
        environment: dict[str, Json],
        metrics: dict[str, float],
        actor: str,
        at: datetime,
        ordinal: int = 1,
    ) -> "Evidence":
        """Evidence about this variant.

        Raises:
            ValueError: a metric or the environment holds what JSON cannot carry, such as NaN.
        """
        sealed: dict[str, Json] = {
            "variant": variant.digest.hex,
            "kind": kind.value,
            "suite": suite,
            "suite_digest": suite_digest.hex,
            "environment": environment,
            "metrics": {**metrics},
            "actor": actor,
            "at": to_text(at),
        }
        return cls(
            digest=Digest.of(canonical_json(sealed)),
            adapter=variant.adapter,
            number=variant.number,
            variant=variant.kind,
            variant_digest=variant.digest,
            kind=kind,
            suite=suite,
            suite_digest=suite_digest,
            environment=environment,
            metrics=metrics,
            actor=actor,
            at=at,
            ordinal=ordinal,
        )
