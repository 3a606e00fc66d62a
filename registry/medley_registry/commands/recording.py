"""Making the records that ``--json`` prints (`medley_registry.commands.records`)."""

from collections.abc import Sequence
from datetime import datetime
from typing import cast

from medley_registry.adapters import Adapter, Version
from medley_registry.aliases import Alias, AliasMove
from medley_registry.bases import BaseModel
from medley_registry.canonical import Json
from medley_registry.commands.policy_records import (
    ApprovalRecord,
    DecisionRecord,
    PolicyRecord,
    ProtectionRecord,
)
from medley_registry.commands.records import (
    AccessKeyRecord,
    AdapterRecord,
    AliasRecord,
    BaseDetail,
    BaseRecord,
    EventRecord,
    EvidenceRecord,
    LineageRecord,
    MoveRecord,
    SignatureRecord,
    TombstoneRecord,
    TrustedKeyRecord,
    VariantRecord,
    VersionDetail,
    VersionRecord,
)
from medley_registry.decisions import Decision
from medley_registry.events import Event
from medley_registry.evidence import Evidence
from medley_registry.keys import AccessKey, Signature, TrustedKey
from medley_registry.policies import AliasPolicy, Approval
from medley_registry.timestamps import to_text
from medley_registry.variants import Variant
from medley_registry.withdrawals import Revocation, Tombstone


def base_record(base: BaseModel) -> BaseRecord:
    template = base.chat_template_digest
    return {
        "name": base.name,
        "base_id": str(base.base_id),
        "architecture": base.architecture,
        "path": str(base.path),
        "weights_digest": str(base.weights_digest),
        "config_digest": str(base.config_digest),
        "tokenizer_digest": str(base.tokenizer_digest),
        "chat_template_digest": str(template) if template else None,
        "created_at": to_text(base.created_at),
        "derived_from": str(base.derived_from) if base.derived_from else None,
        "recipe": base.recipe,
    }


def base_detail(base: BaseModel) -> BaseDetail:
    shapes = {module: [*shape] for module, shape in base.module_shapes.items()}
    return {**base_record(base), "module_shapes": shapes}


def adapter_record(adapter: Adapter, *, versions: int, aliases: Sequence[Alias]) -> AdapterRecord:
    return {
        "name": adapter.name,
        "base": adapter.base,
        "base_id": str(adapter.base_id),
        "versions": versions,
        "aliases": {alias.name: alias.number for alias in aliases},
        "created_at": to_text(adapter.created_at),
    }


def version_record(version: Version, *, aliases: Sequence[Alias]) -> VersionRecord:
    """The record of a version; `aliases` are those of its adapter."""
    return {
        "reference": version.reference,
        "adapter": version.adapter,
        "number": version.number,
        "digest": str(version.digest),
        "base": version.base,
        "base_id": str(version.base_id),
        "rank": version.rank,
        "alpha": version.alpha,
        "target_modules": [*version.target_modules],
        "size_bytes": version.size_bytes,
        "round": version.round,
        "state": version.state.value,
        "note": version.note,
        "published_by": version.published_by,
        "created_at": to_text(version.created_at),
        "aliases": [alias.name for alias in aliases if alias.number == version.number],
        "files": [
            {
                "path": entry.path,
                "size": entry.size,
                "sha256": entry.sha256.hex,
                "media_type": entry.media_type,
            }
            for entry in version.manifest.files
        ],
        "lineage": cast(LineageRecord, version.lineage.to_json()),
    }


def version_detail(
    version: Version,
    *,
    aliases: Sequence[Alias],
    variants: Sequence[Variant],
    evidence: Sequence[Evidence],
    signatures: Sequence[SignatureRecord],
    revocation: Revocation | None,
) -> VersionDetail:
    return {
        **version_record(version, aliases=aliases),
        "variants": [variant_record(variant) for variant in variants],
        "evidence": [evidence_record(result) for result in evidence],
        "signatures": [*signatures],
        "withdrawn_because": revocation.reason if revocation else None,
    }


def variant_record(variant: Variant) -> VariantRecord:
    return {
        "adapter": variant.adapter,
        "number": variant.number,
        "kind": variant.kind.value,
        "digest": str(variant.digest),
        "version_digest": str(variant.version_digest),
        "base": variant.base,
        "base_id": str(variant.base_id),
        "recipe": variant.recipe,
        "made_by": variant.made_by,
        "created_at": to_text(variant.created_at),
    }


def evidence_record(evidence: Evidence) -> EvidenceRecord:
    return {
        "digest": str(evidence.digest),
        "adapter": evidence.adapter,
        "number": evidence.number,
        "variant": evidence.variant.value,
        "variant_digest": str(evidence.variant_digest),
        "kind": evidence.kind.value,
        "suite": evidence.suite,
        "suite_digest": str(evidence.suite_digest),
        "environment": evidence.environment,
        "metrics": evidence.metrics,
        "actor": evidence.actor,
        "at": to_text(evidence.at),
    }


def signature_record(signature: Signature, *, keys: Sequence[TrustedKey]) -> SignatureRecord:
    names = {key.key_id: key.name for key in keys}
    return {
        "key_id": signature.key_id,
        "key_name": names.get(signature.key_id, ""),
        "by": signature.by,
        "at": to_text(signature.at),
    }


def alias_record(alias: Alias) -> AliasRecord:
    return {
        "adapter": alias.adapter,
        "name": alias.name,
        "number": alias.number,
        "digest": str(alias.digest),
        "generation": alias.generation,
        "updated_at": to_text(alias.updated_at),
    }


def move_record(move: AliasMove) -> MoveRecord:
    return {
        "adapter": move.adapter,
        "alias": move.alias,
        "generation": move.generation,
        "from_number": move.from_number,
        "to_number": move.to_number,
        "reason": move.reason.value,
        "actor": move.actor,
        "at": to_text(move.at),
    }


def protection_record(
    adapter: str, alias: str, policy: AliasPolicy, *, unmet: Sequence[str] | None
) -> ProtectionRecord:
    return {
        "adapter": adapter,
        "alias": alias,
        **cast(PolicyRecord, _WITHOUT_COMPARISONS | policy.to_json()),
        "unmet": None if unmet is None else [*unmet],
    }


_WITHOUT_COMPARISONS: dict[str, Json] = {
    "comparisons": [],
    "significance": AliasPolicy().significance,
}


def approval_record(approval: Approval) -> ApprovalRecord:
    return {
        "adapter": approval.adapter,
        "alias": approval.alias,
        "generation": approval.generation,
        "number": approval.number,
        "digest": str(approval.digest),
        "actor": approval.actor,
        "at": to_text(approval.at),
    }


def decision_record(decision: Decision) -> DecisionRecord:
    return {
        "adapter": decision.adapter,
        "alias": decision.alias,
        "generation": decision.generation,
        "ordinal": decision.ordinal,
        "number": decision.number,
        "digest": str(decision.digest),
        "revision": decision.revision,
        "outcome": decision.outcome.value,
        "report": decision.report,
        "actor": decision.actor,
        "at": to_text(decision.at),
    }


def tombstone_record(tombstone: Tombstone) -> TombstoneRecord:
    return {
        "adapter": tombstone.adapter,
        "number": tombstone.number,
        "digest": str(tombstone.digest),
        "reason": tombstone.reason,
        "actor": tombstone.actor,
        "at": to_text(tombstone.at),
    }


def event_record(event: Event) -> EventRecord:
    return {
        "seq": event.seq,
        "at": to_text(event.at),
        "kind": event.kind.value,
        "subject": event.subject,
        "actor": event.actor,
        "payload": event.payload,
        "previous_hash": event.previous_hash,
        "hash": event.hash,
    }


def trusted_key_record(key: TrustedKey) -> TrustedKeyRecord:
    return {
        "key_id": key.key_id,
        "name": key.name,
        "public_key": key.public_key,
        "valid_from": to_text(key.valid_from),
        "valid_until": _text(key.valid_until),
        "added_by": key.added_by,
        "distrusted_at": _text(key.distrusted_at),
    }


def access_key_record(key: AccessKey) -> AccessKeyRecord:
    return {
        "key_id": key.key_id,
        "name": key.name,
        "scopes": [*key.scopes],
        "created_by": key.created_by,
        "created_at": to_text(key.created_at),
        "expires_at": _text(key.expires_at),
        "revoked_at": _text(key.revoked_at),
    }


def _text(at: datetime | None) -> str | None:
    return to_text(at) if at else None
