import io
import os
import shutil
from collections import namedtuple
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

import pytest
from medley_registry import Digest, Unavailable
from medley_registry.backends.folder import RESERVE_BYTES, FolderBlobs, create_folder_blobs

NOW = datetime.now(UTC)
DiskUsage = namedtuple("DiskUsage", "total used free")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    create_folder_blobs(tmp_path)
    return tmp_path


def put(root: Path, content: bytes) -> Path:
    digest = FolderBlobs(root).put(io.BytesIO(content)).digest
    return root / "sha256" / digest.hex[:2] / digest.hex


def leftover(root: Path, name: str, *, age: timedelta) -> Path:
    path = root / "sha256" / name
    path.touch()
    then = (NOW - age).timestamp()
    os.utime(path, (then, then))
    return path


def files(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file()]


def test_a_put_that_would_use_up_the_reserve_is_refused(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = RESERVE_BYTES + 1_000_000
    monkeypatch.setattr(shutil, "disk_usage", lambda _: DiskUsage(1 << 40, 0, free))

    assert put(root, bytes(1_000_000)).is_file()
    with pytest.raises(Unavailable, match=r"has 65\.0 MB free, of which 64 MB stay reserved"):
        put(root, bytes(1_000_001))
    assert len(files(root)) == 1


def test_a_disk_that_fills_up_meanwhile_ends_the_put(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = iter([1 << 40, RESERVE_BYTES])
    monkeypatch.setattr(shutil, "disk_usage", lambda _: DiskUsage(1 << 40, 0, next(free)))

    with pytest.raises(Unavailable, match=r"64\.0 MB free"):
        put(root, bytes(3 << 20))
    assert files(root) == []


def test_a_removed_blob_stays_removed_after_a_power_loss(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(root, b"abc")
    synced: list[tuple[Path, bool]] = []

    def record(descriptor: int) -> None:
        synced.append((Path(f"/proc/self/fd/{descriptor}").readlink(), path.exists()))

    monkeypatch.setattr(os, "fsync", record)
    FolderBlobs(root).remove(Digest.of(b"abc"))

    assert synced == [(path.parent, False)]


def test_what_is_no_blob_is_not_listed(root: Path) -> None:
    blob = put(root, b"abc")
    shard = root / "sha256/ab"
    shard.mkdir(exist_ok=True)
    (shard / "notes.txt").touch()
    (shard / ("cd" + "0" * 62)).touch()  # under a name that would be looked for elsewhere
    (shard / ("ab" + "0" * 62)).mkdir()
    (shard / ("ab" + "1" * 62)).symlink_to(blob)
    (root / "sha256/cd").touch()
    (root / "sha256/lost+found").mkdir()
    leftover(root, ".incoming-x", age=timedelta(0))

    assert [found.digest.hex for found in FolderBlobs(root).list()] == [blob.name]


def test_what_vanishes_while_it_is_listed_is_passed_over(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone, kept = put(root, b"abc"), put(root, b"def")
    lstat = Path.lstat

    def late_lstat(path: Path) -> os.stat_result:
        if path == gone:
            path.unlink()
        return lstat(path)

    monkeypatch.setattr(Path, "lstat", late_lstat)

    assert [found.digest.hex for found in FolderBlobs(root).list()] == [kept.name]


def test_a_store_that_is_not_there_lists_no_emptiness(tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        next(FolderBlobs(tmp_path / "elsewhere").list())


def test_a_sweep_takes_leftovers_that_are_older_and_nothing_else(root: Path) -> None:
    blob = put(root, b"abc")
    old = leftover(root, ".incoming-old", age=timedelta(hours=25))
    young = leftover(root, ".incoming-young", age=timedelta(hours=23))
    other = leftover(root, "notes.txt", age=timedelta(days=9))

    assert FolderBlobs(root).sweep(NOW - timedelta(hours=24)) == 1

    assert not old.exists()
    assert {*files(root)} == {blob, young, other}


def test_a_source_is_read_in_chunks_so_that_progress_can_be_shown(root: Path) -> None:
    class Counted(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            chunk = super().read(size)
            chunks.append(len(chunk))
            return chunk

    chunks: list[int] = []
    source: BinaryIO = Counted(bytes(3 << 20))
    FolderBlobs(root).put(source)

    assert chunks == [1 << 20, 1 << 20, 1 << 20, 0]
