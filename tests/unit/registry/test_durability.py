"""Bytes reach the disk before their name does, and both before a row names them."""

import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from medley_registry import Registry, Unavailable
from medley_registry.backends.folder import FolderBlobs, create_folder_blobs
from medley_registry.backends.memory import MemoryIndex
from medley_registry.durable import make_folder
from medley_registry.index import IndexWriter

from tests.builders import TINY, make_adapter, make_base

Calls = list[tuple[str, Path]]


@pytest.fixture
def blobs(tmp_path: Path) -> FolderBlobs:
    create_folder_blobs(tmp_path / "blobs")
    return FolderBlobs(tmp_path / "blobs")


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    """Every fsync and rename, in order, by the path it was done to."""
    recorded: Calls = []
    fsync, replace = os.fsync, os.replace

    def recording_fsync(descriptor: int) -> None:
        recorded.append(("sync", Path(f"/proc/self/fd/{descriptor}").readlink()))
        fsync(descriptor)

    def recording_replace(source: Path, target: Path) -> None:
        recorded.append(("rename", Path(target)))
        replace(source, target)

    monkeypatch.setattr(os, "fsync", recording_fsync)
    monkeypatch.setattr(os, "replace", recording_replace)
    return recorded


class RecordingIndex(MemoryIndex):
    def __init__(self, calls: Calls) -> None:
        super().__init__()
        self._calls = calls

    @contextmanager
    def write(self) -> Iterator[IndexWriter]:
        self._calls.append(("write", Path()))
        with super().write() as writer:
            yield writer


def test_a_blob_is_synced_renamed_and_its_folders_synced(
    blobs: FolderBlobs, tmp_path: Path, calls: Calls
) -> None:
    digest = blobs.put(io.BytesIO(b"abc")).digest

    folder = tmp_path / "blobs/sha256"
    target = folder / digest.hex[:2] / digest.hex
    assert calls[0][0] == "sync"
    assert calls[0][1].parent == folder
    assert calls[0][1].name.startswith(".incoming-")
    assert calls[1:] == [("sync", folder), ("rename", target), ("sync", target.parent)]
    assert stat.S_IMODE(target.stat().st_mode) == 0o444


def test_a_blob_that_is_there_already_is_made_durable_all_the_same(
    blobs: FolderBlobs, calls: Calls
) -> None:
    blobs.put(io.BytesIO(b"abc"))
    first = [kind for kind, _ in calls]
    calls.clear()

    blobs.put(io.BytesIO(b"abc"))

    assert [kind for kind, _ in calls] == first


def test_all_files_of_a_version_are_durable_before_a_row_names_them(
    blobs: FolderBlobs, tmp_path: Path, calls: Calls
) -> None:
    registry = Registry(RecordingIndex(calls), blobs)
    registry.add_base(TINY, make_base(tmp_path / "base"), actor="ada")
    folder = make_adapter(tmp_path / "adapter")
    calls.clear()

    registry.publish(folder, name="notes", base=TINY, actor="ada")

    blob = ["sync", "sync", "rename", "sync"]
    # The first write announces the upload, so that no collection takes the blobs meanwhile.
    assert [kind for kind, _ in calls] == ["write", *blob, *blob, "write"]


def test_putting_again_mends_a_damaged_blob(blobs: FolderBlobs, tmp_path: Path) -> None:
    digest = blobs.put(io.BytesIO(b"abc")).digest
    stored = tmp_path / "blobs/sha256" / digest.hex[:2] / digest.hex
    stored.chmod(0o644)
    stored.write_bytes(b"axc")

    blobs.put(io.BytesIO(b"abc"))

    assert stored.read_bytes() == b"abc"


@pytest.mark.parametrize("call", ["fsync", "replace", "fchmod"])
def test_a_disk_that_fails_acknowledges_nothing_and_keeps_no_leftover(
    blobs: FolderBlobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, call, fail)

    with pytest.raises(Unavailable, match="No space left"):
        blobs.put(io.BytesIO(b"abc"))
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == []


def test_a_new_folder_is_durable_with_all_that_were_missing_above_it(
    tmp_path: Path, calls: Calls
) -> None:
    make_folder(tmp_path / "a/b/c")

    synced = [tmp_path, tmp_path / "a", tmp_path / "a/b"]
    assert calls == [("sync", folder) for folder in synced]
