"""Variants, and the evidence that is bound to them."""

from collections import defaultdict
from collections.abc import Iterator

from medley_registry.adapters import Version
from medley_registry.bases import BaseModel
from medley_registry.evidence import Evidence
from medley_registry.findings import Code, Finding
from medley_registry.upkeep.facts import Facts
from medley_registry.upkeep.naming import name_of
from medley_registry.variants import Variant, VariantKind


def check_variants(facts: Facts) -> Iterator[Finding]:
    for version in facts.all(Version):
        own = facts.one(Variant, version.adapter, version.number, VariantKind.BF16)
        if own is None or own.base_id != version.base_id:
            because = "has no variant on its own base model"
            yield Finding(Code.VARIANT_WRONG, name_of(version), because)
    for variant in facts.all(Variant):
        if flaw := _flaw(facts, variant):
            subject = f"{variant.adapter}:{variant.number} {variant.kind}"
            yield Finding(Code.VARIANT_WRONG, subject, flaw)


def check_evidence(facts: Facts) -> Iterator[Finding]:
    ordinals: dict[str, list[int]] = defaultdict(list)
    for evidence in facts.all(Evidence):
        ordinals[f"{evidence.adapter}:{evidence.number}"].append(evidence.ordinal)
        subject = f"{evidence.adapter}:{evidence.number} {evidence.digest}"
        variant = facts.one(Variant, evidence.adapter, evidence.number, evidence.variant)
        if variant is None or variant.digest != evidence.variant_digest:
            yield Finding(Code.EVIDENCE_WRONG, subject, "is bound to no variant that is there")
        elif _again(evidence, variant).digest != evidence.digest:
            yield Finding(Code.EVIDENCE_WRONG, subject, "says something else than its digest")
    for subject, found in ordinals.items():
        if sorted(found) != [*range(1, len(found) + 1)]:
            yield Finding(Code.EVIDENCE_WRONG, subject, f"is counted {sorted(found)[:10]}")


def _flaw(facts: Facts, variant: Variant) -> str:
    version = facts.one(Version, variant.adapter, variant.number)
    if version is None:
        return "its version is not there"
    if variant.version_digest != version.digest:
        return f"is of {variant.version_digest}, and its version is {version.digest}"
    base = facts.one(BaseModel, variant.base)
    if base is None or base.base_id != variant.base_id:
        return f"base model {variant.base!r} is not there, or another"
    if version.base_id not in (base.base_id, base.derived_from):
        return f"base model {variant.base!r} is neither the version's own nor derived from it"
    return ""


def _again(evidence: Evidence, variant: Variant) -> Evidence:
    return Evidence.of(
        variant,
        kind=evidence.kind,
        suite=evidence.suite,
        suite_digest=evidence.suite_digest,
        environment=evidence.environment,
        metrics=evidence.metrics,
        actor=evidence.actor,
        at=evidence.at,
    )
