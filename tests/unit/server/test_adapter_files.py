"""Files are fetched again where they were damaged, and go only when nobody needs them."""

import errno
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from medley_registry import Registry, Unavailable, Version, checkout
from medley_server.adapter_files import AdapterFiles
from medley_server.errors import AdapterUnavailable

WEIGHTS = "adapter_model.safetensors"


@pytest.fixture
def files(registry: Registry, versions: list[Version], tmp_path: Path) -> AdapterFiles:
    """Keeps nothing that nobody needs."""
    return AdapterFiles(registry, tmp_path / "cache", most_bytes=0)


def cut(folder: Path) -> None:
    (folder / WEIGHTS).chmod(0o644)
    (folder / WEIGHTS).write_bytes(b"")


def tangle(folder: Path) -> None:
    (folder / WEIGHTS).unlink()
    (folder / WEIGHTS).symlink_to("/nowhere")


@pytest.mark.parametrize("damage", [shutil.rmtree, cut, tangle])
def test_files_that_were_damaged_are_fetched_again(
    files: AdapterFiles, versions: list[Version], damage: Callable[[Path], None]
) -> None:
    folder = files.take(versions[0])
    whole = (folder / WEIGHTS).read_bytes()
    damage(folder)

    assert (files.take(versions[0]) / WEIGHTS).read_bytes() == whole


def test_files_go_when_they_were_given_back_as_often_as_taken(
    files: AdapterFiles, versions: list[Version]
) -> None:
    folder = files.take(versions[0])
    files.take(versions[0])
    files.clean()
    files.give_back(versions[0])
    files.clean()
    assert folder.is_dir()

    files.give_back(versions[0])
    files.clean()

    assert not folder.exists()


def test_files_that_another_server_here_needs_stay(
    files: AdapterFiles, registry: Registry, versions: list[Version], tmp_path: Path
) -> None:
    another = AdapterFiles(registry, tmp_path / "cache", most_bytes=0)
    folder = another.take(versions[0])
    files.clean()
    assert folder.is_dir()

    another.give_back(versions[0])
    files.clean()

    assert not folder.exists()


def test_files_of_what_aliases_answer_with_stay(
    files: AdapterFiles, versions: list[Version]
) -> None:
    folder = files.take(versions[0])
    files.give_back(versions[0])
    files.spared = lambda: {versions[0].digest.hex}

    files.clean()

    assert folder.is_dir()


def test_only_as_much_goes_as_must_the_longest_unused_first(
    registry: Registry, versions: list[Version], tmp_path: Path
) -> None:
    files = AdapterFiles(registry, tmp_path / "cache", most_bytes=versions[0].size_bytes)
    folders = [files.take(version) for version in versions]
    for age, (folder, version) in enumerate(zip(folders, versions, strict=True)):
        files.give_back(version)
        os.utime(folder / ".ready", (time.time() - age * 60,) * 2)

    files.clean()

    assert [folder.exists() for folder in folders] == [True, False]


def test_a_full_disk_refuses_that_version_and_says_so(
    files: AdapterFiles, versions: list[Version], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(checkout, "_copy", full)
        with pytest.raises(AdapterUnavailable, match=r"note:1 cannot be fetched.*No space left"):
            files.take(versions[0])

    assert (files.take(versions[0]) / WEIGHTS).is_file()


def test_what_lies_here_is_taken_while_the_registry_is_away(
    files: AdapterFiles,
    registry: Registry,
    versions: list[Version],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = files.take(versions[0])

    def away(*_: object) -> Path:
        raise Unavailable("the disk is gone")

    monkeypatch.setattr(registry, "checkout", away)

    assert files.take(versions[0]) == folder
    with pytest.raises(AdapterUnavailable, match="the disk is gone"):
        files.take(versions[1])
    cut(folder)
    with pytest.raises(AdapterUnavailable, match="the disk is gone"):
        files.take(versions[0])


def test_a_version_that_was_taken_back_is_refused_although_its_files_lie_here(
    files: AdapterFiles, registry: Registry, versions: list[Version]
) -> None:
    files.take(versions[1])
    registry.lifecycle.quarantine("note", 2, actor="t", reason="odd")

    with pytest.raises(AdapterUnavailable, match="quarantined"):
        files.take(versions[1])
