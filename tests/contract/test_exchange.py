"""Versions leave every kind of store, and enter every kind."""

from collections.abc import Callable
from pathlib import Path

import pytest
from medley_registry import (
    AdmissionRefused,
    Contribution,
    Digest,
    EvidenceKind,
    KeySigner,
    Lineage,
    Parent,
    Registry,
    Relation,
    make_key,
)
from medley_registry.backends.memory import MemoryBlobs, MemoryIndex
from medley_registry.exchange import export_version, import_version

from tests.builders import TINY
from tests.invariants import assert_chained

Folders = Callable[[int], Path]


@pytest.fixture
def key(tmp_path: Path) -> KeySigner:
    return make_key(tmp_path / "key.pem")


@pytest.fixture
def elsewhere(tmp_path: Path, registry: Registry, key: KeySigner) -> Registry:
    """Another registry, which has the same base under another name."""
    other = Registry(MemoryIndex(), MemoryBlobs())
    other.add_base("small", registry.base(TINY).path, actor="bob")
    other.trust.add(key.public_key, name="hospital-a", actor="bob")
    return other


def fill(registry: Registry, adapter_folder: Folders, key: KeySigner, *, base: str) -> None:
    """Two signed versions of `notes`, the second from the first, with evidence."""
    if not registry.trust.is_on():
        registry.trust.add(key.public_key, name="hospital-a", actor="ada")
    first = registry.publish(adapter_folder(1), name="notes", base=base, actor="ada", signer=key)
    registry.publish(
        adapter_folder(2),
        name="notes",
        base=base,
        actor="ada",
        signer=key,
        round=2,
        note="the second",
        lineage=Lineage(
            parents=(Parent("notes:1", first.digest, Relation.AGGREGATED_FROM),),
            contributions=(Contribution("hospital-a", Digest.of(b"update"), 0.1 + 0.2),),
            run="run-3",
            recipe=Digest.of(b"recipe"),
            strategy="fedavg",
        ),
    )
    registry.evidence.add(
        "notes",
        2,
        kind=EvidenceKind.BENCHMARK,
        suite="decode",
        suite_digest=Digest.of(b"decode"),
        environment={"gpu": {"name": "some", "count": 1, "watts": 0.5}},
        metrics={"tokens_per_s": 412, "load_ms": 1e-07},
        actor="ada",
    )


def assert_arrived(here: Registry, there: Registry) -> None:
    """`notes:2` of one registry is the only version, `notes:1`, of the other."""
    sent, got = here.resolve("notes:2"), there.resolve("notes:1")
    assert got.manifest == sent.manifest
    assert (got.round, got.note) == (sent.round, sent.note)
    assert got.lineage.parents == sent.lineage.parents
    assert got.lineage.contributions == sent.lineage.contributions
    assert got.lineage.origin == "package of notes:2"
    (measured,), (brought,) = here.evidence.of("notes", 2), there.evidence.of("notes", 1)
    assert brought.metrics == measured.metrics
    assert brought.suite_digest == measured.suite_digest
    assert there.trust.verify(got) is not None
    assert_chained(there.events())


def test_a_version_leaves(
    registry: Registry,
    elsewhere: Registry,
    adapter_folder: Folders,
    key: KeySigner,
    tmp_path: Path,
) -> None:
    fill(registry, adapter_folder, key, base=TINY)

    package = export_version(registry, "notes:2", tmp_path / "package", signer=key)
    import_version(elsewhere, package, actor="bob")

    assert_arrived(registry, elsewhere)


def test_a_version_enters(
    registry: Registry,
    elsewhere: Registry,
    adapter_folder: Folders,
    key: KeySigner,
    tmp_path: Path,
) -> None:
    fill(elsewhere, adapter_folder, key, base="small")
    registry.trust.add(key.public_key, name="hospital-a", actor="ada")
    package = export_version(elsewhere, "notes:2", tmp_path / "package", signer=key)

    version = import_version(registry, package, actor="ada")

    assert_arrived(elsewhere, registry)
    head = registry.head()
    assert import_version(registry, package, actor="ada") == version
    assert registry.head() == head
    pulled = registry.pull(version, tmp_path / "pulled")
    assert {file.name for file in pulled.iterdir()} == {e.path for e in version.manifest.files}


def test_a_tampered_package_leaves_no_trace(
    registry: Registry,
    elsewhere: Registry,
    adapter_folder: Folders,
    key: KeySigner,
    tmp_path: Path,
) -> None:
    fill(elsewhere, adapter_folder, key, base="small")
    registry.trust.add(key.public_key, name="hospital-a", actor="ada")
    package = export_version(elsewhere, "notes:2", tmp_path / "package", signer=key)
    (package / "adapter_config.json").write_bytes(b"{}")
    head, blobs = registry.head(), set(registry.blobs.list())

    with pytest.raises(AdmissionRefused, match="file-digest"):
        import_version(registry, package, actor="ada")

    assert registry.head() == head
    assert set(registry.blobs.list()) == blobs
    assert registry.adapters() == []
