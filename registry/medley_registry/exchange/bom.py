"""The bill of materials of a version: CycloneDX 1.6 with a model card (https://cyclonedx.org)."""

import json
from uuid import NAMESPACE_URL, uuid5

from medley_registry.canonical import Json
from medley_registry.digest import Digest
from medley_registry.exchange.markdown import license_of
from medley_registry.exchange.record import BaseIdentity, VersionRecord
from medley_registry.lineage import Contribution, Parent

_MODEL = "machine-learning-model"
_Object = dict[str, Json]


def bill_of_materials(record: VersionRecord, *, readme: str = "") -> bytes:
    """The bill as a file: the same record gives the same bytes, so it holds no time of its own.

    Args:
        record: The version's record.
        readme: The version's own README, which may name a licence.
    """
    version = record.version
    content = Digest.of(record.to_json())
    bill: _Object = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": uuid5(NAMESPACE_URL, str(content)).urn,
        "version": 1,
        "metadata": {
            "timestamp": f"{version.created_at:%Y-%m-%dT%H:%M:%SZ}",
            "component": _version(record, readme=readme),
        },
        "components": [_base(record.base)],
        "dependencies": [
            {"ref": str(version.digest), "dependsOn": [str(record.base.base_id)]},
            {"ref": str(record.base.base_id)},
        ],
    }
    return json.dumps(bill, indent=2, allow_nan=False).encode() + b"\n"


def _version(record: VersionRecord, *, readme: str) -> _Object:
    version, lineage = record.version, record.version.lineage
    license_ = license_of(readme)
    component: _Object = {
        "type": _MODEL,
        "bom-ref": str(version.digest),
        "name": version.adapter,
        "version": str(version.number),
        "authors": [{"name": version.published_by}],
        "hashes": [_hash(version.digest)],
        "pedigree": {
            "ancestors": [
                *(_parent(place, parent) for place, parent in enumerate(lineage.parents, 1)),
                *(_contribution(place, c) for place, c in enumerate(lineage.contributions, 1)),
            ],
            "notes": "The base model is listed among the components.",
        },
        "components": [
            {
                "type": "file",
                "bom-ref": f"file:{entry.path}",
                "mime-type": entry.media_type,
                "name": entry.path,
                "hashes": [_hash(entry.sha256)],
            }
            for entry in version.manifest.files
        ],
        "modelCard": _model_card(record),
        "properties": _properties(record),
    }
    if version.note:
        component["description"] = version.note
    if license_:
        component["licenses"] = [{"license": {"name": license_}}]
    return component


def _model_card(record: VersionRecord) -> _Object:
    metrics: list[Json] = [
        {
            "type": metric,
            "value": repr(float(value)),
            "slice": f"{evidence.kind} {evidence.suite} on {evidence.variant}",
        }
        for evidence in record.evidence
        for metric, value in sorted(evidence.metrics.items())
    ]
    return {
        "modelParameters": {
            "task": "text-generation",
            "architectureFamily": record.base.architecture,
            "modelArchitecture": f"LoRA of rank {record.version.rank}",
        },
        "quantitativeAnalysis": {"performanceMetrics": metrics},
    }


def _base(base: BaseIdentity) -> _Object:
    parts = {
        "weights": base.weights_digest,
        "config": base.config_digest,
        "tokenizer": base.tokenizer_digest,
        "chat_template": base.chat_template_digest,
    }
    return {
        "type": _MODEL,
        "bom-ref": str(base.base_id),
        "name": base.name,
        "hashes": [_hash(base.base_id)],
        "modelCard": {"modelParameters": {"architectureFamily": base.architecture}},
        "properties": [
            {"name": f"medley:base:{name}", "value": str(digest)}
            for name, digest in parts.items()
            if digest is not None
        ],
    }


def _parent(place: int, parent: Parent) -> _Object:
    return {
        "type": _MODEL,
        "bom-ref": f"parent:{place}",
        "name": parent.reference,
        "hashes": [_hash(parent.digest)],
        "properties": [{"name": "medley:relation", "value": parent.relation.value}],
    }


def _contribution(place: int, contribution: Contribution) -> _Object:
    facts = {"weight": repr(float(contribution.weight)), "key_id": contribution.key_id}
    return {
        "type": _MODEL,
        "bom-ref": f"contribution:{place}",
        "name": contribution.participant,
        "description": "A participant's part in the round.",
        "hashes": [_hash(contribution.digest)],
        "properties": [
            {"name": f"medley:contribution:{name}", "value": value}
            for name, value in facts.items()
            if value
        ],
    }


def _properties(record: VersionRecord) -> list[Json]:
    version, lineage = record.version, record.version.lineage
    facts = {
        "rank": str(version.rank),
        "alpha": f"{version.alpha:g}",
        "target_modules": ",".join(version.target_modules),
        "round": str(version.round or ""),
        "run": lineage.run,
        "recipe": str(lineage.recipe or ""),
        "strategy": lineage.strategy,
        "origin": lineage.origin,
    }
    facts |= {f"signed_by:{place}": s.key_id for place, s in enumerate(record.signatures, 1)}
    return [{"name": f"medley:{name}", "value": value} for name, value in facts.items() if value]


def _hash(digest: Digest) -> Json:
    return {"alg": "SHA-256", "content": digest.hex}
