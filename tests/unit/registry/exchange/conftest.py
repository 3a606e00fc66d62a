"""Two registries in memory, and a version that leaves one of them signed."""

from pathlib import Path

import pytest
from medley_registry import (
    Contribution,
    Digest,
    EvidenceKind,
    KeySigner,
    Lineage,
    Registry,
    make_key,
)
from medley_registry.backends.memory import MemoryBlobs, MemoryIndex
from medley_registry.exchange import export_version

from tests.builders import TINY, make_adapter, make_base

OWN_README = "---\nlicense: mit\n---\n# The publisher's words\n"


@pytest.fixture(scope="session")
def key(tmp_path_factory: pytest.TempPathFactory) -> KeySigner:
    """The hospital's key, which both registries trust."""
    return make_key(tmp_path_factory.mktemp("keys") / "key.pem")


@pytest.fixture(scope="session")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> KeySigner:
    """A key that nobody trusts."""
    return make_key(tmp_path_factory.mktemp("keys") / "key.pem")


@pytest.fixture(scope="session")
def base_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_base(tmp_path_factory.mktemp("models") / "base")


@pytest.fixture(scope="session")
def adapter_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_adapter(
        tmp_path_factory.mktemp("adapters") / "adapter",
        config={"base_model_name_or_path": "example/Tiny-1B"},
    )
    (folder / "README.md").write_text(OWN_README)
    return folder


def new_registry(base_folder: Path, *, base: str) -> Registry:
    registry = Registry(MemoryIndex(), MemoryBlobs())
    registry.add_base(base, base_folder, actor="ada")
    return registry


def new_exporter(base_folder: Path, adapter_folder: Path, key: KeySigner) -> Registry:
    """A registry with `notes:1`: signed, measured, from a round."""
    registry = new_registry(base_folder, base=TINY)
    registry.trust.add(key.public_key, name="hospital-a", actor="ada")
    registry.publish(
        adapter_folder,
        name="notes",
        base=TINY,
        actor="ada",
        round=3,
        note="first light",
        lineage=Lineage(
            contributions=(Contribution("hospital-a", Digest.of(b"update"), 1.0),),
            strategy="fedavg",
        ),
        signer=key,
    )
    registry.evidence.add(
        "notes",
        1,
        kind=EvidenceKind.EVALUATION,
        suite="held-out",
        suite_digest=Digest.of(b"suite"),
        environment={"gpu": "none"},
        metrics={"f1": 0.875},
        actor="ada",
    )
    return registry


@pytest.fixture
def exporter(base_folder: Path, adapter_folder: Path, key: KeySigner) -> Registry:
    """A registry that `notes:1` leaves."""
    return new_exporter(base_folder, adapter_folder, key)


@pytest.fixture
def importer(base_folder: Path, key: KeySigner) -> Registry:
    """A registry that calls the base otherwise, and trusts the hospital."""
    registry = new_registry(base_folder, base="small")
    registry.trust.add(key.public_key, name="hospital-a", actor="bob")
    return registry


@pytest.fixture
def untrusting(base_folder: Path) -> Registry:
    """A registry that trusts no keys and asks for no signatures."""
    return new_registry(base_folder, base="small")


@pytest.fixture
def package(exporter: Registry, key: KeySigner, tmp_path: Path) -> Path:
    """`notes:1`, exported and signed as a whole."""
    return export_version(exporter, "notes:1", tmp_path / "package", signer=key)


@pytest.fixture(scope="session")
def untouched(
    base_folder: Path,
    adapter_folder: Path,
    key: KeySigner,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """A package as `package` is, for whoever wants many copies of one."""
    exporter = new_exporter(base_folder, adapter_folder, key)
    place = tmp_path_factory.mktemp("packages") / "package"
    return export_version(exporter, "notes:1", place, signer=key)
