"""What a registry says of one version, in one file that another registry can check."""

import json
from dataclasses import dataclass
from datetime import datetime

from medley_registry.adapters import Version
from medley_registry.bases import BaseModel
from medley_registry.canonical import Json
from medley_registry.digest import Digest
from medley_registry.evidence import Evidence
from medley_registry.signing import key_id_of
from medley_registry.timestamps import to_text
from medley_registry.variants import Variant

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseIdentity:
    """The base model a version is for, by content; ``name`` is what its registry calls it."""

    name: str
    architecture: str
    base_id: Digest
    weights_digest: Digest
    config_digest: Digest
    tokenizer_digest: Digest
    chat_template_digest: Digest | None

    @classmethod
    def of(cls, base: BaseModel) -> "BaseIdentity":
        """What identifies this base, without where it lies."""
        return cls(
            name=base.name,
            architecture=base.architecture,
            base_id=base.base_id,
            weights_digest=base.weights_digest,
            config_digest=base.config_digest,
            tokenizer_digest=base.tokenizer_digest,
            chat_template_digest=base.chat_template_digest,
        )

    def to_json(self) -> dict[str, Json]:
        """As it stands in the record."""
        template = self.chat_template_digest
        return {
            "name": self.name,
            "architecture": self.architecture,
            "base_id": str(self.base_id),
            "weights_digest": str(self.weights_digest),
            "config_digest": str(self.config_digest),
            "tokenizer_digest": str(self.tokenizer_digest),
            "chat_template_digest": str(template) if template else None,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class CarriedSignature:
    """A signature with the key that checks it; whose key that is, it cannot say."""

    public_key: str
    bundle: str
    by: str
    at: datetime

    @property
    def key_id(self) -> str:
        return key_id_of(self.public_key)

    def to_json(self) -> dict[str, Json]:
        """As it stands in the record."""
        return {
            "key_id": self.key_id,
            "public_key": self.public_key,
            "bundle": self.bundle,
            "by": self.by,
            "at": to_text(self.at),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRecord:
    """A version with its base, variants, evidence and signatures; aliases stay at home."""

    version: Version
    base: BaseIdentity
    variants: tuple[Variant, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    signatures: tuple[CarriedSignature, ...] = ()

    def to_json(self) -> bytes:
        """The record as a file; the same record gives the same bytes."""
        whole: dict[str, Json] = {
            "schema_version": SCHEMA_VERSION,
            "version": _version(self.version),
            "manifest": json.loads(self.version.manifest.to_json()),
            "base": self.base.to_json(),
            "lineage": self.version.lineage.to_json(),
            "variants": [_variant(variant) for variant in self.variants],
            "evidence": [_evidence(evidence) for evidence in self.evidence],
            "signatures": [signature.to_json() for signature in self.signatures],
        }
        return json.dumps(whole, indent=2, sort_keys=True, allow_nan=False).encode() + b"\n"


def _version(version: Version) -> dict[str, Json]:
    return {
        "adapter": version.adapter,
        "number": version.number,
        "digest": str(version.digest),
        "state": version.state.value,
        "rank": version.rank,
        "alpha": float(version.alpha),
        "target_modules": [*version.target_modules],
        "round": version.round,
        "note": version.note,
        "published_by": version.published_by,
        "created_at": to_text(version.created_at),
    }


def _variant(variant: Variant) -> dict[str, Json]:
    return {
        "kind": variant.kind.value,
        "digest": str(variant.digest),
        "base": variant.base,
        "base_id": str(variant.base_id),
        "recipe": variant.recipe,
        "made_by": variant.made_by,
        "created_at": to_text(variant.created_at),
    }


def _evidence(evidence: Evidence) -> dict[str, Json]:
    return {
        "digest": str(evidence.digest),
        "variant": evidence.variant.value,
        "variant_digest": str(evidence.variant_digest),
        "kind": evidence.kind.value,
        "suite": evidence.suite,
        "suite_digest": str(evidence.suite_digest),
        "environment": evidence.environment,
        "metrics": {name: float(value) for name, value in evidence.metrics.items()},
        "actor": evidence.actor,
        "at": to_text(evidence.at),
    }
