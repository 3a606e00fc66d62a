import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from medley_registry import DigestMismatch, Registry, Unavailable, Version, open_registry

from tests.builders import TINY, make_adapter, make_base


@pytest.fixture
def published(tmp_path: Path) -> Iterator[tuple[Registry, Version]]:
    with open_registry(tmp_path / "registry", create=True) as registry:
        registry.add_base(TINY, make_base(tmp_path / "base"), actor="ada")
        folder = make_adapter(tmp_path / "adapter")
        yield registry, registry.publish(folder, name="notes", base=TINY, actor="ada")


def stored_weights(folder: Path, version: Version) -> Path:
    weights = next(f for f in version.manifest.files if f.path == "adapter_model.safetensors")
    return folder / "registry/blobs/sha256" / weights.sha256.hex[:2] / weights.sha256.hex


def test_a_checkout_is_apart_from_the_store(
    published: tuple[Registry, Version], tmp_path: Path
) -> None:
    registry, version = published

    weights = registry.checkout(version, tmp_path / "out") / "adapter_model.safetensors"

    assert weights.stat().st_ino != stored_weights(tmp_path, version).stat().st_ino
    assert weights.stat().st_mode & 0o222 == 0


def test_a_damaged_blob_never_becomes_a_checkout(
    published: tuple[Registry, Version], tmp_path: Path
) -> None:
    registry, version = published
    blob = stored_weights(tmp_path, version)
    blob.chmod(0o644)
    blob.write_bytes(blob.read_bytes()[:-1] + b"\x00")

    with pytest.raises(DigestMismatch, match=r"adapter_model\.safetensors"):
        registry.checkout(version, tmp_path / "out")
    assert not (tmp_path / "out" / version.digest.hex).exists()


def test_what_a_crash_left_is_made_again(
    published: tuple[Registry, Version], tmp_path: Path
) -> None:
    registry, version = published
    leftover = tmp_path / "out" / version.digest.hex
    leftover.mkdir(parents=True)
    (leftover / "adapter_config.json").write_text("half")
    (tmp_path / "out" / ".incoming-dead").mkdir()

    target = registry.checkout(version, tmp_path / "out")

    assert (target / "adapter_config.json").read_text() != "half"
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == [
        ".lock",
        version.digest.hex,
    ]


def test_a_ready_checkout_is_never_touched_again(
    published: tuple[Registry, Version], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry, version = published
    target = registry.checkout(version, tmp_path / "out")
    monkeypatch.setattr(os, "fsync", lambda _: pytest.fail("wrote again"))

    assert registry.checkout(version, tmp_path / "out") == target


def test_many_may_check_out_at_once(published: tuple[Registry, Version], tmp_path: Path) -> None:
    registry, version = published

    with ThreadPoolExecutor(8) as pool:
        targets = set(pool.map(lambda _: registry.checkout(version, tmp_path / "out"), range(8)))

    assert targets == {tmp_path / "out" / version.digest.hex}


def test_a_folder_that_cannot_be_written_is_unavailable(
    published: tuple[Registry, Version], tmp_path: Path
) -> None:
    registry, version = published
    (tmp_path / "file").touch()

    with pytest.raises(Unavailable):
        registry.checkout(version, tmp_path / "file" / "out")
