"""The model of a disk that loses power keeps what was synced and loses what was not."""

from pathlib import Path

import pytest

from tests.faults.disk import Disk, Image
from tests.faults.losses import LOSSES, NOTHING, mixed
from tests.faults.trace import Call

CREATE, WRITE, SYNC = (
    Call("create", "new"),
    Call("write", "new", data=b"abcd"),
    Call("sync", "new"),
)
SYNC_FOLDER = Call("sync", "")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder in which one file is durable."""
    (tmp_path / "old").write_bytes(b"0123")
    return tmp_path


def left(folder: Path, loss: str, *calls: Call) -> Image:
    disk = Disk(folder)
    for call in calls:
        disk.do(call)
    return disk.image(LOSSES[loss])


@pytest.mark.parametrize("loss", LOSSES)
def test_what_was_synced_survives_every_loss(folder: Path, loss: str) -> None:
    kept = left(folder, loss, CREATE, WRITE, SYNC, SYNC_FOLDER)

    assert kept == {"new": b"abcd", "old": b"0123"}


def test_a_name_is_lost_until_its_folder_is_synced(folder: Path) -> None:
    assert "new" not in left(folder, "names", CREATE, WRITE, SYNC)
    assert "new" in left(folder, "names", CREATE, SYNC_FOLDER)


@pytest.mark.parametrize(
    ("loss", "kept"),
    [("bytes", b""), ("half", b"abcd"), ("torn", b"abcdef"), ("zeros", bytes(8))],
)
def test_bytes_are_lost_until_their_file_is_synced(folder: Path, loss: str, kept: bytes) -> None:
    more = Call("write", "new", offset=4, data=b"efgh")

    assert left(folder, loss, CREATE, WRITE, more)["new"] == kept


def test_a_rename_may_be_undone_until_its_folder_is_synced(folder: Path) -> None:
    rename = Call("rename", "new", "old")

    assert left(folder, "names", CREATE, WRITE, SYNC, rename) == {"old": b"0123"}
    assert left(folder, "bytes", CREATE, WRITE, rename) == {"old": b""}
    assert left(folder, "names", CREATE, WRITE, SYNC, rename, SYNC_FOLDER) == {"old": b"abcd"}


def test_what_was_removed_may_come_back_until_its_folder_is_synced(folder: Path) -> None:
    unlink = Call("unlink", "old")

    assert left(folder, "names", unlink) == {"old": b"0123"}
    assert left(folder, "names", unlink, SYNC_FOLDER) == {}


def test_a_folder_is_lost_with_all_that_it_holds(folder: Path) -> None:
    calls = [
        Call("mkdir", "a"),
        Call("create", "a/b"),
        Call("write", "a/b", data=b"x"),
        Call("sync", "a/b"),
        Call("sync", "a"),
    ]

    assert left(folder, "names", *calls) == {"old": b"0123"}
    assert left(folder, "names", *calls, SYNC_FOLDER) == {"a": None, "a/b": b"x", "old": b"0123"}


def test_a_call_that_failed_changes_nothing(folder: Path) -> None:
    disk = Disk(folder)
    disk.do(Call("unlink", "old", error=5))

    assert disk.image(NOTHING) == {"old": b"0123"}


def test_a_mixed_loss_is_the_same_for_the_same_seed(folder: Path) -> None:
    disk = Disk(folder)
    for call in (CREATE, WRITE, Call("write", "old", data=b"x")):
        disk.do(call)

    seeds = [str(seed) for seed in range(20)]
    images = [disk.image(mixed(seed)) for seed in seeds]

    assert images == [disk.image(mixed(seed)) for seed in seeds]
    assert len({repr(image) for image in images}) > 3
