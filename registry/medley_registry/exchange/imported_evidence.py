"""Evidence that comes in with a version.

Signatures on a version cover its files only. What was measured of it is believed if somebody
trusted here signed the whole package, and then stands under the name of its suite. Otherwise it is
what the bearer says, and stands under ``unverified/<suite>``, where no policy finds it by accident.
"""

import logging

from medley_registry import rules
from medley_registry.adapters import Version
from medley_registry.canonical import Json
from medley_registry.errors import BaseMismatch
from medley_registry.evidence import Evidence
from medley_registry.exchange.record import VersionRecord
from medley_registry.registry import Registry
from medley_registry.timestamps import to_text
from medley_registry.variants import Variant, VariantKind

log = logging.getLogger(__name__)

_UNVERIFIED = "unverified/"
_IMPORTED = "imported"


def check_evidence(record: VersionRecord) -> None:
    """Whether all evidence of a record can be taken in, asked before anything is.

    Raises:
        AdmissionRefused: by rule ``text``.
    """
    for evidence in record.evidence:
        rules.check_text("the suite", _UNVERIFIED + evidence.suite)


def bring_evidence(
    registry: Registry,
    version: Version,
    record: VersionRecord,
    *,
    actor: str,
    is_vouched: bool,
) -> None:
    """Record what a package says was measured, with who measured it, when, and where it was kept.

    What is here already is not recorded again. Evidence on a variant whose base model is not here
    is left out, and logged.
    """
    here = {variant.kind: variant for variant in _variants(registry, version, record, actor=actor)}
    known = {_identity(e) for e in registry.evidence.of(version.adapter, version.number)}
    for evidence in record.evidence:
        suite = _UNVERIFIED + evidence.suite.removeprefix(_UNVERIFIED)
        suite = evidence.suite if is_vouched else suite
        own = here.get(evidence.variant)
        if own is None or own.digest != evidence.variant_digest:
            log.warning("left out: %s on %s, a variant unknown here", suite, evidence.variant)
        elif not known & {(suite, str(evidence.digest)), (evidence.suite, str(evidence.digest))}:
            registry.evidence.add(
                version.adapter,
                version.number,
                variant=evidence.variant,
                kind=evidence.kind,
                suite=suite,
                suite_digest=evidence.suite_digest,
                environment=evidence.environment | {_IMPORTED: _provenance(evidence)},
                metrics=evidence.metrics,
                actor=actor,
            )


def _variants(
    registry: Registry, version: Version, record: VersionRecord, *, actor: str
) -> list[Variant]:
    bases = {base.base_id: base.name for base in registry.bases()}
    for variant in record.variants:
        if variant.kind is not VariantKind.BF16 and variant.base_id in bases:
            try:
                registry.evidence.add_variant(
                    version.adapter,
                    version.number,
                    variant.kind,
                    base=bases[variant.base_id],
                    recipe=variant.recipe,
                    actor=actor,
                )
            except BaseMismatch as error:
                log.warning("left out: the variant %s: %s", variant.kind, error)
    return registry.evidence.variants(version.adapter, version.number)


def _provenance(evidence: Evidence) -> dict[str, Json]:
    """What stands in the environment of imported evidence; earlier imports stay in it."""
    return {
        "digest": str(evidence.digest),
        "version": f"{evidence.adapter}:{evidence.number}",
        "actor": evidence.actor,
        "at": to_text(evidence.at),
        "before": evidence.environment.get(_IMPORTED),
    }


def _identity(evidence: Evidence) -> tuple[str, str]:
    """What an import would bring again: the suite it stands under, and its digest at home."""
    match evidence.environment.get(_IMPORTED):
        case {"digest": str(digest)}:
            return (evidence.suite, digest)
        case _:
            return (evidence.suite, str(evidence.digest))
