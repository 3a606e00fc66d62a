"""Adapters from a hub: a small real one on loopback."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from medley_registry import AdmissionRefused, KeySigner, NotFound, Registry, Unavailable
from medley_registry.exchange import import_version
from medley_registry.exchange.hub import HubAddress

from tests.builders import make_adapter
from tests.unit.registry.exchange.hub_server import Hub, running

REPOSITORY = "example/notes-lora"


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A repository as a trainer pushes it, with more in it than an adapter."""
    from huggingface_hub import constants

    folder = make_adapter(tmp_path / "repository")
    (folder / "README.md").write_text("# theirs\n")
    (folder / ".gitattributes").write_text("*.safetensors filter=lfs\n")
    (folder / "training_args.bin").write_bytes(b"\x80\x04.")
    (folder / "checkpoint-100").mkdir()
    (folder / "checkpoint-100" / "adapter_model.safetensors").write_bytes(b"older")
    offered = Hub(REPOSITORY, folder)
    with running(offered) as address:
        # The client reads HF_ENDPOINT when it is imported, which may be long ago.
        monkeypatch.setattr(constants, "ENDPOINT", address)
        monkeypatch.setattr(
            constants,
            "HUGGINGFACE_CO_URL_TEMPLATE",
            address + "/{repo_id}/resolve/{revision}/{filename}",
        )
        monkeypatch.setenv("HF_HUB_DISABLE_XET", "1")
        monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
        monkeypatch.setattr("tempfile.tempdir", str(_empty(tmp_path / "tmp")))
        yield offered


def _empty(folder: Path) -> Path:
    folder.mkdir()
    return folder


def pinned(hub: Hub) -> str:
    return f"hf://{hub.repository}@{hub.commit}"


def take(registry: Registry, source: str, *, trust: str | None = None) -> str:
    version = import_version(
        registry, source, name="theirs", base="small", actor="bob", trust=trust
    )
    return version.reference


def test_an_adapter_comes_from_the_hub_at_a_commit(
    untrusting: Registry, hub: Hub, tmp_path: Path
) -> None:
    assert take(untrusting, pinned(hub)) == "theirs:1"

    version = untrusting.resolve("theirs:1")
    assert version.lineage.origin == pinned(hub)
    assert hub.fetched == {"README.md", "adapter_config.json", "adapter_model.safetensors"}
    assert list((tmp_path / "tmp").iterdir()) == []


def test_the_same_commit_again_is_the_same_version(untrusting: Registry, hub: Hub) -> None:
    take(untrusting, pinned(hub))

    assert take(untrusting, pinned(hub)) == "theirs:1"


@pytest.mark.parametrize("address", [f"hf://{REPOSITORY}@main", f"hf://{REPOSITORY}"])
def test_a_branch_is_refused_with_the_commit_to_pin(
    untrusting: Registry, hub: Hub, address: str
) -> None:
    with pytest.raises(AdmissionRefused, match=f"pin a commit; this is now {pinned(hub)}"):
        take(untrusting, address)

    assert hub.fetched == set()


@pytest.mark.parametrize(
    "address", ["hf://", "hf://notes", "hf://a/b/c", "hf://../b@main", "hf://a/b@", "hf:// /b"]
)
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(AdmissionRefused, match=r"hf://owner/name@commit"):
        HubAddress.parse(address)


def test_an_exported_version_comes_from_the_hub_as_from_a_folder(
    importer: Registry, exporter: Registry, hub: Hub, package: Path, key: KeySigner
) -> None:
    shutil.rmtree(hub.folder)
    shutil.copytree(package, hub.folder)
    (hub.folder / ".gitattributes").write_text("*.safetensors filter=lfs\n")

    version = import_version(importer, pinned(hub), actor="bob", trust=key.public_key)

    assert version.digest == exporter.resolve("notes:1").digest
    assert version.lineage.origin == pinned(hub)
    assert [e.suite for e in importer.evidence.of("notes", 1)] == ["held-out"]


def test_a_repository_of_pickles_is_refused_before_anything_is_fetched(
    untrusting: Registry, hub: Hub
) -> None:
    (hub.folder / "adapter_model.safetensors").rename(hub.folder / "adapter_model.bin")

    with pytest.raises(AdmissionRefused, match="a pickle runs code"):
        take(untrusting, pinned(hub))

    assert hub.fetched == set()


def test_a_file_that_is_too_large_is_refused_before_anything_is_fetched(
    untrusting: Registry, hub: Hub
) -> None:
    (hub.folder / "README.md").write_bytes(bytes((1 << 20) + 1))

    with pytest.raises(AdmissionRefused, match="file-size"):
        take(untrusting, pinned(hub))

    assert hub.fetched == set()


def test_bytes_that_are_not_what_the_hub_says_are_refused(untrusting: Registry, hub: Hub) -> None:
    hub.false_digest = "adapter_model.safetensors"

    with pytest.raises(AdmissionRefused, match="file-digest"):
        take(untrusting, pinned(hub))

    assert untrusting.adapters() == []


@pytest.mark.parametrize("address", [f"hf://{REPOSITORY}@{'0' * 40}", "hf://example/none@main"])
def test_what_the_hub_does_not_have_is_not_found(
    untrusting: Registry, hub: Hub, address: str
) -> None:
    with pytest.raises(NotFound, match="the hub shows no"):
        take(untrusting, address)


def test_a_hub_that_is_not_reached_is_unavailable(
    untrusting: Registry, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")

    with pytest.raises(Unavailable, match="cannot be fetched"):
        take(untrusting, pinned(hub))
