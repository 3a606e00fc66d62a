"""The calls of `/v1/adapters`, one function each."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from urllib.parse import quote

from medley_registry import (
    DEFAULT_ALIAS,
    Alias,
    AliasMove,
    AliasPolicy,
    Approval,
    Decision,
    Digest,
    Evidence,
    EvidenceKind,
    Item,
    Lineage,
    Protection,
    Reference,
    Signature,
    Tombstone,
    Traffic,
    Variant,
    VariantKind,
    Version,
    VersionState,
)
from medley_registry.canonical import Json
from medley_registry.references import check_name
from medley_registry.timestamps import to_text

from medley import wire
from medley.answers import listed, reading
from medley.calls import Call, get
from medley.documents import Document
from medley.errors import arguments

_ROOT = "/v1/adapters"
_LONG_S = 3600.0
"""For what makes the server read all bytes of a version."""


def list_adapters() -> Call[tuple[wire.ListedAdapter, ...]]:
    return get(_ROOT, listed("adapters", wire.adapter))


def get_adapter(name: str) -> Call[wire.ListedAdapter]:
    return get(_of(name), reading(wire.adapter))


def list_versions(name: str, *, before: int | None, limit: int) -> Call[wire.VersionPage]:
    query = {"before": before, "limit": limit}
    return get(_of(name, "versions"), reading(wire.version_page), query)


def get_version(reference: str) -> Call[Version]:
    with arguments():
        wanted = Reference.parse(reference)
    selector: str | int = wanted.number or wanted.alias or DEFAULT_ALIAS
    if wanted.digest_prefix is not None:
        selector = f"sha256:{wanted.digest_prefix}"
    return get(_of(wanted.adapter, "versions", selector), reading(wire.version))


def publish(
    files: Mapping[str, Document],
    *,
    name: str,
    base: str,
    round: int | None,  # noqa: A002 the domain's word
    note: str,
    lineage: Lineage | None,
    state: VersionState,
    signature: tuple[str, str] | None,
) -> Call[Version]:
    """Send an adapter's files; `signature` is the key's id and what it signed."""
    fields = {"base": base, "note": note, "state": state.value}
    if round is not None:
        fields["round"] = str(round)
    if lineage is not None:
        fields["lineage"] = json.dumps(lineage.to_json())
    if signature is not None:
        fields["key_id"], fields["bundle"] = signature
    return Call(
        method="POST",
        path=_of(name, "versions"),
        read=reading(wire.version),
        body=fields,
        files=files,
        timeout_s=_LONG_S,
    )


def change_state(name: str, number: int, state: VersionState, *, reason: str = "") -> Call[Version]:
    return Call(
        method="POST",
        path=_of(name, "versions", number, "state"),
        read=reading(wire.version),
        body={"state": state.value, "reason": reason},
        timeout_s=_LONG_S,
    )


def revoke(name: str, number: int, *, reason: str) -> Call[wire.Revoked]:
    path = _of(name, "versions", number, "revoke")
    read = reading(wire.revoked)
    return Call(method="POST", path=path, read=read, body={"reason": reason})


def delete(name: str, number: int, *, reason: str) -> Call[Tombstone]:
    path = _of(name, "versions", number)
    read = reading(wire.tombstone)
    return Call(method="DELETE", path=path, read=read, body={"reason": reason})


def list_variants(name: str, number: int) -> Call[tuple[Variant, ...]]:
    return get(_of(name, "versions", number, "variants"), listed("variants", wire.variant))


def list_signatures(name: str, number: int) -> Call[tuple[Signature, ...]]:
    path = _of(name, "versions", number, "signatures")
    return get(path, listed("signatures", wire.signature))


def list_evidence(name: str, number: int) -> Call[tuple[Evidence, ...]]:
    return get(_of(name, "versions", number, "evidence"), listed("evidence", wire.evidence))


def add_evidence(
    name: str,
    number: int,
    *,
    kind: EvidenceKind,
    suite: str,
    suite_digest: Digest,
    environment: Mapping[str, Json],
    metrics: Mapping[str, float],
    variant: VariantKind = VariantKind.BF16,
    items: Iterable[Item] = (),
) -> Call[Evidence]:
    body: dict[str, Json] = {
        "variant": variant.value,
        "kind": kind.value,
        "suite": suite,
        "suite_digest": str(suite_digest),
        "environment": dict(environment),
        "metrics": dict(metrics),
        "items": [item.to_json() for item in items],
    }
    path = _of(name, "versions", number, "evidence")
    return Call(method="POST", path=path, read=reading(wire.evidence), body=body)


def list_aliases(name: str) -> Call[tuple[Alias, ...]]:
    return get(_of(name, "aliases"), listed("aliases", wire.alias))


def promote(
    name: str,
    number: int,
    *,
    alias: str = DEFAULT_ALIAS,
    expected_generation: int | None = None,
) -> Call[Alias]:
    return Call(
        method="PUT",
        path=_of(name, "aliases", alias),
        read=reading(wire.alias),
        body={"number": number, "expected_generation": expected_generation},
        is_repeatable=expected_generation is not None,
    )


def roll_back(
    name: str, *, alias: str = DEFAULT_ALIAS, expected_generation: int | None = None
) -> Call[Alias]:
    return Call(
        method="POST",
        path=_of(name, "aliases", alias, "rollback"),
        read=reading(wire.alias),
        body={"expected_generation": expected_generation},
        is_repeatable=expected_generation is not None,
    )


def history(
    name: str, *, alias: str = DEFAULT_ALIAS, at: datetime | None = None
) -> Call[tuple[AliasMove, ...]]:
    path = _of(name, "aliases", alias, "history")
    return get(path, listed("moves", wire.move), {"at": to_text(at) if at else None})


def get_policy(name: str, *, alias: str = DEFAULT_ALIAS) -> Call[AliasPolicy]:
    return get(_of(name, "aliases", alias, "policy"), reading(AliasPolicy.from_json))


def set_policy(name: str, policy: AliasPolicy, *, alias: str = DEFAULT_ALIAS) -> Call[Protection]:
    path = _of(name, "aliases", alias, "policy")
    read = reading(wire.protection)
    return Call(method="PUT", path=path, read=read, body=policy.to_json())


def get_traffic(name: str, *, alias: str = DEFAULT_ALIAS) -> Call[wire.SteeredAlias]:
    return get(_of(name, "aliases", alias, "traffic"), reading(wire.steered))


def set_traffic(
    name: str,
    traffic: Traffic,
    *,
    alias: str = DEFAULT_ALIAS,
    expected_revision: int | None = None,
) -> Call[wire.SteeredAlias]:
    return Call(
        method="PUT",
        path=_of(name, "aliases", alias, "traffic"),
        read=reading(wire.steered),
        body={**traffic.to_json(), "expected_revision": expected_revision},
        is_repeatable=expected_revision is not None,
    )


def list_decisions(name: str, *, alias: str = DEFAULT_ALIAS) -> Call[tuple[Decision, ...]]:
    path = _of(name, "aliases", alias, "decisions")
    return get(path, listed("decisions", wire.decision))


def list_approvals(name: str, *, alias: str = DEFAULT_ALIAS) -> Call[tuple[Approval, ...]]:
    path = _of(name, "aliases", alias, "approvals")
    return get(path, listed("approvals", wire.approval))


def approve(name: str, number: int, *, alias: str = DEFAULT_ALIAS) -> Call[Approval]:
    path = _of(name, "aliases", alias, "approvals")
    read = reading(wire.approval)
    # The same approval again changes nothing.
    return Call(method="POST", path=path, read=read, body={"number": number}, is_repeatable=True)


def file_path(version: Version, name: str) -> str:
    """Where the bytes of one of a version's files are."""
    return _of(version.adapter, "versions", version.number, "files", name)


def _of(name: str, *parts: str | int) -> str:
    with arguments():
        check_name(name)
    return "/".join([_ROOT, name, *(quote(str(part), safe=":") for part in parts)])
