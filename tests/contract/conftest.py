"""Every contract runs on three stores: in memory, on disk, and at scale (PostgreSQL and S3)."""

import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest.mock import patch

import pytest
from medley_registry import Registry, open_registry
from medley_registry.backends.folder import FolderBlobs, create_folder_blobs
from medley_registry.backends.memory import MemoryBlobs, MemoryIndex
from medley_registry.backends.sqlite import SqliteIndex, create_sqlite_index
from medley_registry.blobs import BlobStore
from medley_registry.index import Index

from tests.builders import TINY, make_adapter, make_base
from tests.stores.postgres import running_postgres
from tests.stores.s3 import running_s3

STORES = ["memory", "disk", "scale"]


def new_registry(store: str, folder: Path) -> Registry:
    """An empty registry in a store of this kind."""
    if store == "memory":
        return Registry(MemoryIndex(), MemoryBlobs())
    if store == "disk":
        return open_registry(folder / "registry", create=True)
    s3 = running_s3()
    with patch.dict(os.environ, s3.environment):
        return open_registry(
            running_postgres().url,
            blobs=s3.make_bucket(),
            tenant=f"test-{uuid.uuid4().hex[:16]}",
            create=True,
        )


@pytest.fixture(params=STORES)
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Registry]:
    """A registry with nothing in it."""
    with new_registry(request.param, tmp_path) as opened:
        yield opened


@pytest.fixture
def index(empty: Registry) -> Index:
    return empty.index


@pytest.fixture
def blobs(empty: Registry) -> BlobStore:
    return empty.blobs


@pytest.fixture
def registry(empty: Registry, tmp_path: Path) -> Registry:
    """A registry that knows the tiny base model."""
    empty.add_base(TINY, make_base(tmp_path / "base"), actor="ada")
    return empty


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
