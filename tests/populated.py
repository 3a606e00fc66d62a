"""A registry with records of every kind and events of every kind."""

from datetime import timedelta
from pathlib import Path

from medley_registry import (
    AliasPolicy,
    Digest,
    EvidenceKind,
    KeySigner,
    Lineage,
    Parent,
    Registry,
    Relation,
    Traffic,
    VariantKind,
    VersionState,
    make_key,
)
from medley_registry.upkeep import collect

from tests.builders import TINY, make_adapter, make_base

NOW = timedelta()


def populate(registry: Registry, home: Path) -> KeySigner:
    """Fill an empty registry with `notes:1` to `notes:7` and `letters:1`; gives the key it trusts.

    1 is in production, 4 is the canary, 3 is revoked, 5 deleted and collected, 6 in quarantine;
    2 came from 1; `letters:1` has the content of 2.
    """
    registry.add_base(TINY, make_base(home / "base"), actor="ada")
    registry.add_base(
        "tiny-nf4",
        make_base(home / "base-nf4", fill=4),
        actor="ada",
        derived_from=TINY,
        recipe={"bits": 4},
    )
    registry.add_base(TINY, make_base(home / "moved"), actor="ada")
    signer = make_key(home / "key.pem")
    publish(registry, home, 1)
    publish(registry, home, 2, lineage=_from(registry, "notes:1"))
    publish(registry, home, 2, name="letters")
    registry.trust.add(signer.public_key, name="hospital", actor="eve")
    for number in (1, 2):
        registry.trust.sign("notes", number, signer=signer, actor="eve")
    for content in (3, 4, 5, 6):
        publish(registry, home, content, signer=signer)
    publish(registry, home, 7, signer=signer, state=VersionState.DRAFT)
    _move(registry)
    _measure(registry)
    _withdraw(registry)
    _grant(registry, home)
    registry.leases.take(registry.resolve("notes:1"), holder="replica", seconds=3600)
    collect(registry, actor="timer", grace=NOW, retention=NOW)
    return signer


def publish(
    registry: Registry,
    home: Path,
    content: int,
    *,
    name: str = "notes",
    lineage: Lineage | None = None,
    signer: KeySigner | None = None,
    state: VersionState = VersionState.ADMITTED,
) -> None:
    folder = home / f"adapter-{content}"
    registry.publish(
        folder if folder.exists() else make_adapter(folder, fill=content),
        name=name,
        base=TINY,
        actor="ada",
        round=content,
        note="a note",
        lineage=lineage,
        signer=signer,
        state=state,
    )


def _from(registry: Registry, reference: str) -> Lineage:
    parent = Parent(reference, registry.resolve(reference).digest, Relation.TRAINED_FROM)
    return Lineage(parents=(parent,), run="spring", strategy="fedavg")


def _move(registry: Registry) -> None:
    for number in (1, 2, 3):
        registry.promote("notes", number, actor="ada")
    registry.rollback("notes", actor="ada")
    registry.rollback("notes", actor="ada")
    registry.protection.set("notes", "canary", AliasPolicy(approvals=1), actor="eve")
    registry.protection.approve("notes", 4, alias="canary", actor="eve")
    registry.promote("notes", 4, alias="canary", actor="ada")
    registry.traffic.set("notes", "canary", Traffic(shadow=6, share=5), actor="eve")
    registry.traffic.halt("notes", "canary", 6, reason="it disagrees", actor="server a")


def _measure(registry: Registry) -> None:
    recipe = {"bits": 4}
    registry.evidence.add_variant(
        "notes", 1, VariantKind.NF4, base="tiny-nf4", recipe={**recipe}, actor="ada"
    )
    registry.evidence.add(
        "notes",
        1,
        variant=VariantKind.NF4,
        kind=EvidenceKind.BENCHMARK,
        suite="load",
        suite_digest=Digest.of(b"suite"),
        environment={"cpu": "two cores"},
        metrics={"tokens_per_s": 340.5},
        actor="ada",
    )


def _withdraw(registry: Registry) -> None:
    registry.lifecycle.revoke(registry.resolve("notes:3").digest, actor="eve", reason="poisoned")
    registry.lifecycle.delete("notes", 5, actor="eve", reason="a mistake")
    registry.lifecycle.quarantine("notes", 6, actor="eve", reason="under suspicion")
    registry.lifecycle.deprecate("notes", 4, actor="eve")


def _grant(registry: Registry, home: Path) -> None:
    key, _ = registry.access.add("ci", scopes=["infer", "promote:canary"], actor="eve")
    registry.access.revoke(key.key_id, actor="eve")
    registry.access.add("reader", scopes=["infer"], actor="eve")
    other = make_key(home / "other.pem")
    trusted = registry.trust.add(other.public_key, name="other", actor="eve")
    registry.trust.distrust(trusted.key_id, actor="eve", reason="lost")
