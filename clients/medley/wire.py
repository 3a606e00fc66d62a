"""The server's JSON, read into the registry's own value types."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from medley_registry import (
    Alias,
    AliasMove,
    AliasPolicy,
    Approval,
    Decision,
    Digest,
    Evidence,
    EvidenceKind,
    FileEntry,
    Lineage,
    Manifest,
    MoveReason,
    Outcome,
    Protection,
    Signature,
    Tombstone,
    Traffic,
    Variant,
    VariantKind,
    Version,
    VersionState,
)
from medley_registry.timestamps import from_text

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedAdapter:
    """An adapter; ``versions`` counts all it ever had, ``aliases`` tells where each points."""

    name: str
    base: str
    base_id: Digest
    created_at: datetime
    versions: int
    aliases: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class VersionPage:
    """Newest first; ``before`` asks for the next page, None on the last."""

    versions: tuple[Version, ...]
    before: int | None


@dataclass(frozen=True, slots=True)
class Revoked:
    """Content taken back, and the aliases that had to move, as they stand now."""

    digest: Digest
    reason: str
    moved: tuple[Alias, ...]


@dataclass(frozen=True, slots=True)
class SteeredAlias:
    """What becomes of requests that name an alias.

    Attributes:
        revision: counts the rules that were set; 0 where none was.
        traffic: the rule in force.
        halted: why a server took canary or shadow off; None where a person set the rule.
        actor: who set it, or which server.
    """

    revision: int
    traffic: Traffic
    halted: str | None
    actor: str | None
    at: datetime | None


def adapter(value: Json) -> ListedAdapter:
    return ListedAdapter(
        name=value["name"],
        base=value["base"],
        base_id=Digest.parse(value["base_id"]),
        created_at=from_text(value["created_at"]),
        versions=value["versions"],
        aliases=dict(value["aliases"]),
    )


def version(value: Json) -> Version:
    """A version; its manifest must have the digest that the server names.

    Raises:
        ValueError: it has another.
    """
    files = tuple(
        FileEntry(one["path"], one["size"], Digest(one["sha256"]), one["media_type"])
        for one in value["files"]
    )
    found = Version(
        adapter=value["adapter"],
        number=value["number"],
        digest=Digest.parse(value["digest"]),
        base=value["base"],
        base_id=Digest.parse(value["base_id"]),
        rank=value["rank"],
        alpha=value["alpha"],
        target_modules=tuple(value["target_modules"]),
        round=value["round"],
        state=VersionState(value["state"]),
        note=value["note"],
        published_by=value["published_by"],
        created_at=from_text(value["created_at"]),
        manifest=Manifest(files),
        lineage=Lineage.from_json(value["lineage"]),
    )
    if found.manifest.digest != found.digest:
        raise ValueError(f"{found.reference} is named {found.digest}, and its files are another")
    return found


def version_page(value: Json) -> VersionPage:
    return VersionPage(tuple(version(one) for one in value["versions"]), value["before"])


def alias(value: Json) -> Alias:
    return Alias(
        adapter=value["adapter"],
        name=value["name"],
        number=value["number"],
        digest=Digest.parse(value["digest"]),
        generation=value["generation"],
        updated_at=from_text(value["updated_at"]),
    )


def move(value: Json) -> AliasMove:
    return AliasMove(
        adapter=value["adapter"],
        alias=value["alias"],
        generation=value["generation"],
        from_number=value["from_number"],
        to_number=value["to_number"],
        actor=value["actor"],
        reason=MoveReason(value["reason"]),
        at=from_text(value["at"]),
    )


def approval(value: Json) -> Approval:
    return Approval(
        adapter=value["adapter"],
        alias=value["alias"],
        generation=value["generation"],
        number=value["number"],
        actor=value["actor"],
        digest=Digest.parse(value["digest"]),
        at=from_text(value["at"]),
        revision=value["revision"],
    )


def decision(value: Json) -> Decision:
    return Decision(
        adapter=value["adapter"],
        alias=value["alias"],
        generation=value["generation"],
        ordinal=value["ordinal"],
        number=value["number"],
        digest=Digest.parse(value["digest"]),
        revision=value["revision"],
        outcome=Outcome(value["outcome"]),
        report=value["report"],
        actor=value["actor"],
        at=from_text(value["at"]),
    )


def protection(value: Json) -> Protection:
    return Protection(
        adapter=value["adapter"],
        alias=value["alias"],
        revision=value["revision"],
        policy=AliasPolicy.from_json(value["policy"]),
        actor=value["actor"],
        at=from_text(value["at"]),
    )


def steered(value: Json) -> SteeredAlias:
    return SteeredAlias(
        revision=value["revision"],
        traffic=Traffic.from_json(value),
        halted=value["halted"],
        actor=value["actor"],
        at=from_text(value["at"]) if value["at"] else None,
    )


def revoked(value: Json) -> Revoked:
    moved = tuple(alias(one) for one in value["moved"])
    return Revoked(Digest.parse(value["digest"]), value["reason"], moved)


def tombstone(value: Json) -> Tombstone:
    return Tombstone(
        adapter=value["adapter"],
        number=value["number"],
        digest=Digest.parse(value["digest"]),
        reason=value["reason"],
        actor=value["actor"],
        at=from_text(value["at"]),
    )


def signature(value: Json) -> Signature:
    return Signature(
        adapter=value["adapter"],
        number=value["number"],
        key_id=value["key_id"],
        bundle=value["bundle"],
        by=value["by"],
        at=from_text(value["at"]),
    )


def variant(value: Json) -> Variant:
    return Variant(
        adapter=value["adapter"],
        number=value["number"],
        kind=VariantKind(value["kind"]),
        version_digest=Digest.parse(value["version_digest"]),
        base=value["base"],
        base_id=Digest.parse(value["base_id"]),
        recipe=value["recipe"],
        made_by=value["made_by"],
        created_at=from_text(value["created_at"]),
    )


def evidence(value: Json) -> Evidence:
    return Evidence(
        digest=Digest.parse(value["digest"]),
        adapter=value["adapter"],
        number=value["number"],
        variant=VariantKind(value["variant"]),
        variant_digest=Digest.parse(value["variant_digest"]),
        kind=EvidenceKind(value["kind"]),
        suite=value["suite"],
        suite_digest=Digest.parse(value["suite_digest"]),
        environment=value["environment"],
        metrics=value["metrics"],
        actor=value["actor"],
        at=from_text(value["at"]),
    )
