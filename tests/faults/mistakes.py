"""A publisher that does it in the wrong order: the kill points must notice."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from medley_registry import Digest, Registry
from medley_registry.backends.folder import FolderBlobs
from medley_registry.blobs import Blob

from tests.faults.stage import Stage, publish_one


class LateBlobs(FolderBlobs):
    """Stores nothing before it is told to."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self._late: list[bytes] = []

    def put(self, source: BinaryIO) -> Blob:
        content = source.read()
        self._late.append(content)
        return Blob(Digest.of(content), len(content))

    def store(self) -> None:
        for content in self._late:
            super().put(io.BytesIO(content))


def publish_row_first(
    registry: Registry, stage: Stage, acknowledge: Callable[[Registry], object]
) -> None:
    blobs = LateBlobs(stage.registry / "blobs")
    publish_one(Registry(registry.index, blobs), stage, content=1)
    blobs.store()
    acknowledge(registry)
