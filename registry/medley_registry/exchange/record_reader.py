"""Reading a version's record from outside.

The record is strict: it is read into values and written again, and must come out the same byte for
byte. So no field is unknown, missing or twice, and every digest in it is that of what it stands
next to. A change of form is a new ``schema_version``.
"""

from collections.abc import Mapping
from typing import Any

from medley_registry.adapters import Version, VersionState
from medley_registry.canonical import canonical_json
from medley_registry.digest import Digest
from medley_registry.errors import (
    AdmissionRefused,
    IndexDamaged,
    InvalidReference,
    SignatureRefused,
)
from medley_registry.evidence import Evidence, EvidenceKind
from medley_registry.exchange.record import (
    SCHEMA_VERSION,
    BaseIdentity,
    CarriedSignature,
    VersionRecord,
)
from medley_registry.lineage import Lineage
from medley_registry.manifest import Manifest
from medley_registry.references import check_name
from medley_registry.strict_json import parse_object
from medley_registry.timestamps import from_text
from medley_registry.variants import Variant, VariantKind

LIMIT_BYTES = 8 << 20
_RULE = "package-record"
_Found = Mapping[str, Any]
# What the value objects and the look-ups below raise over a record that is not one.
_UNREADABLE = (
    AttributeError,
    IndexDamaged,
    InvalidReference,
    KeyError,
    RecursionError,
    SignatureRefused,
    TypeError,
    ValueError,
)


def read_record(data: bytes) -> VersionRecord:
    """Read what `VersionRecord.to_json` wrote, and nothing else.

    Raises:
        AdmissionRefused: by rule ``package-record``, or ``package-json`` and ``package-duplicate``
            for what is no JSON object.
    """
    if len(data) > LIMIT_BYTES:
        raise AdmissionRefused(_RULE, "a larger file", because=f"at most {LIMIT_BYTES} bytes")
    value = parse_object(data, what="package")
    if value.get("schema_version") != SCHEMA_VERSION:
        raise AdmissionRefused(
            _RULE, value.get("schema_version"), because=f"schema_version is {SCHEMA_VERSION}"
        )
    try:
        record = _record(value)
        written = record.to_json()
    except _UNREADABLE as error:
        raise AdmissionRefused(
            _RULE, f"{type(error).__name__}: {error}", because="not a version's record"
        ) from error
    if written != data:
        raise AdmissionRefused(
            _RULE, _difference(written, data), because="the record does not hold together"
        )
    return record


def _difference(written: bytes, found: bytes) -> str:
    """The first line that should have been another; each line names what it holds."""
    for ours, theirs in zip(written.splitlines(), found.splitlines(), strict=False):
        if ours != theirs:
            return theirs.decode("utf-8", "replace").strip()
    return "more or less than its fields"


def _record(value: _Found) -> VersionRecord:
    version = _version(value)
    variants = tuple(_variant(item, version) for item in value["variants"])
    by_kind = {variant.kind: variant for variant in variants}
    if len(by_kind) != len(variants):
        raise ValueError("a version has one variant of each kind")
    return VersionRecord(
        version=version,
        base=_base(value["base"]),
        variants=variants,
        evidence=tuple(_evidence(item, by_kind) for item in value["evidence"]),
        signatures=tuple(_signature(item) for item in value["signatures"]),
    )


def _version(value: _Found) -> Version:
    found = value["version"]
    manifest = Manifest.from_json(canonical_json(value["manifest"]))
    return Version(
        adapter=_name(found, "adapter"),
        number=_count(found, "number"),
        digest=manifest.digest,
        base=_name(value["base"], "name"),
        base_id=Digest.parse(value["base"]["base_id"]),
        rank=_count(found, "rank"),
        alpha=float(found["alpha"]),
        target_modules=tuple(map(_is_text, found["target_modules"])),
        round=None if found["round"] is None else _count(found, "round"),
        state=VersionState(found["state"]),
        note=_text(found, "note"),
        published_by=_text(found, "published_by"),
        created_at=from_text(found["created_at"]),
        manifest=manifest,
        lineage=_lineage(value["lineage"]),
    )


def _lineage(found: _Found) -> Lineage:
    lineage = Lineage.from_json(found)
    for text in (lineage.run, lineage.strategy, lineage.origin):
        _is_text(text)
    for parent in lineage.parents:
        _is_text(parent.reference)
    for contribution in lineage.contributions:
        _is_text(contribution.participant)
        _is_text(contribution.key_id)
    return lineage


def _base(found: _Found) -> BaseIdentity:
    template = found["chat_template_digest"]
    return BaseIdentity(
        name=_name(found, "name"),
        architecture=_text(found, "architecture"),
        base_id=Digest.parse(found["base_id"]),
        weights_digest=Digest.parse(found["weights_digest"]),
        config_digest=Digest.parse(found["config_digest"]),
        tokenizer_digest=Digest.parse(found["tokenizer_digest"]),
        chat_template_digest=None if template is None else Digest.parse(template),
    )


def _variant(found: _Found, version: Version) -> Variant:
    return Variant(
        adapter=version.adapter,
        number=version.number,
        kind=VariantKind(found["kind"]),
        version_digest=version.digest,
        base=_name(found, "base"),
        base_id=Digest.parse(found["base_id"]),
        recipe=dict(found["recipe"]),
        made_by=_text(found, "made_by"),
        created_at=from_text(found["created_at"]),
    )


def _evidence(found: _Found, variants: Mapping[VariantKind, Variant]) -> Evidence:
    return Evidence.of(
        variants[VariantKind(found["variant"])],
        kind=EvidenceKind(found["kind"]),
        suite=_text(found, "suite"),
        suite_digest=Digest.parse(found["suite_digest"]),
        environment=dict(found["environment"]),
        metrics={name: float(value) for name, value in found["metrics"].items()},
        actor=_text(found, "actor"),
        at=from_text(found["at"]),
    )


def _signature(found: _Found) -> CarriedSignature:
    return CarriedSignature(
        public_key=_text(found, "public_key"),
        bundle=_text(found, "bundle"),
        by=_text(found, "by"),
        at=from_text(found["at"]),
    )


def _name(found: _Found, key: str) -> str:
    name = _text(found, key)
    check_name(name)
    return name


def _text(found: _Found, key: str) -> str:
    return _is_text(found[key])


def _is_text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _count(found: _Found, key: str) -> int:
    value = found[key]
    if type(value) is not int or value < 1:
        raise TypeError(f"{key} is no count")
    return value
