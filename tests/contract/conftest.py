"""Every contract runs on the memory backend and on the durable one."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from medley_registry import Registry
from medley_registry.backends.folder import FolderBlobs, create_folder_blobs
from medley_registry.backends.memory import MemoryBlobs, MemoryIndex
from medley_registry.backends.sqlite import SqliteIndex, create_sqlite_index
from medley_registry.blobs import BlobStore
from medley_registry.index import Index

from tests.builders import TINY, make_adapter, make_base


@pytest.fixture(params=["memory", "folder"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> BlobStore:
    return MemoryBlobs() if request.param == "memory" else folder_blobs(tmp_path)


@pytest.fixture(params=["memory", "sqlite"])
def index(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Index]:
    opened = MemoryIndex() if request.param == "memory" else sqlite_index(tmp_path)
    yield opened
    opened.close()


@pytest.fixture(params=["memory", "durable"])
def registry(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Registry]:
    """A registry that knows the tiny base model."""
    opened = (
        Registry(MemoryIndex(), MemoryBlobs())
        if request.param == "memory"
        else Registry(sqlite_index(tmp_path), folder_blobs(tmp_path))
    )
    with opened:
        opened.add_base(TINY, make_base(tmp_path / "base"), actor="ada")
        yield opened


@pytest.fixture
def adapter_folder(tmp_path: Path) -> Callable[[int], Path]:
    """Adapters by number: the same number is the same content."""

    def folder(content: int) -> Path:
        made = tmp_path / f"adapter-{content}"
        return made if made.exists() else make_adapter(made, fill=content)

    return folder


def folder_blobs(folder: Path) -> FolderBlobs:
    root = folder / "blobs"
    create_folder_blobs(root)
    return FolderBlobs(root)


def sqlite_index(folder: Path) -> SqliteIndex:
    path = folder / "registry.db"
    create_sqlite_index(path)
    return SqliteIndex(path)
