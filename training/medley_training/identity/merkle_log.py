"""The coordinator's log: a Merkle tree whose leaves are kept in a file."""

import base64
import binascii
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from medley_registry.canonical import canonical_json
from medley_registry.durable import disk_errors, make_folder, sync_folder
from medley_registry.errors import AdmissionRefused
from medley_registry.strict_json import parse_object

from medley_training.errors import LogDamaged
from medley_training.identity.merkle import MerkleTree, leaf_hash

_FILE_MODE = 0o644


class MerkleLog:
    """A Merkle tree in a file: a JSON line per leaf, on disk before its index is given out.

    A last line without its end was never acknowledged: it is passed over, and cut off by the next
    append. Opening a log writes nothing, and a log that is not there is empty. One process appends;
    a second one is found out.

    Raises:
        LogDamaged: The file holds something else than what was appended, as far as it can tell
            alone. That whole lines went from its end is seen by a tree head only.
        Unavailable: The file cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._tree = MerkleTree()
        self._leaves: list[bytes] = []
        self._indexes: dict[bytes, int] = {}
        self._end = 0
        with disk_errors(path):
            data = path.read_bytes() if path.exists() else b""
        *lines, _torn = data.split(b"\n")
        for line in lines:
            self._take(self._leaf_in(line))
            self._end += len(line) + 1

    @property
    def size(self) -> int:
        """The number of leaves."""
        return self._tree.size

    def append(self, leaf: bytes) -> int:
        """Add a leaf, on disk when this returns; gives its index. A leaf may come twice.

        Raises:
            LogDamaged: Another process has appended since the log was opened.
            Unavailable: The file cannot be written; the log is as before.
        """
        line = _line(self.size, leaf) + b"\n"
        with disk_errors(self._path):
            if self._end == 0:
                make_folder(self._path.parent.absolute())
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, _FILE_MODE)
            with open(descriptor, "r+b") as file:  # noqa: PTH123 a descriptor, not a path
                fcntl.flock(file, fcntl.LOCK_EX)
                self._cut(file)
                file.write(line)
                file.flush()
                os.fsync(descriptor)
            if self._end == 0:
                sync_folder(self._path.parent)
        self._end += len(line)
        return self._take(leaf)

    def index_of(self, leaf: bytes) -> int | None:
        """Where the leaf of this `leaf_hash` was first appended, if it was."""
        return self._indexes.get(leaf)

    def leaves(self) -> Iterator[bytes]:
        """Every leaf, in order."""
        return iter(self._leaves)

    def root(self, size: int | None = None) -> bytes:
        """As `MerkleTree.root`."""
        return self._tree.root(size)

    def inclusion_proof(self, index: int, size: int | None = None) -> tuple[bytes, ...]:
        """As `MerkleTree.inclusion_proof`."""
        return self._tree.inclusion_proof(index, size)

    def consistency_proof(self, old: int, new: int | None = None) -> tuple[bytes, ...]:
        """As `MerkleTree.consistency_proof`."""
        return self._tree.consistency_proof(old, new)

    def _cut(self, file: BinaryIO) -> None:
        """Go to the end of the last leaf, and let the file end there."""
        if file.seek(0, os.SEEK_END) < self._end:
            raise LogDamaged(f"{self._path} lost leaves while it was open")
        file.seek(self._end)
        if b"\n" in file.read():
            raise LogDamaged(f"another process appends to {self._path}")
        file.seek(self._end)
        file.truncate()

    def _leaf_in(self, line: bytes) -> bytes:
        """The leaf of the next line, which must be as `append` writes it."""
        try:
            leaf = base64.b64decode(str(parse_object(line, what="leaf").get("leaf")), validate=True)
        except (AdmissionRefused, binascii.Error, ValueError) as error:
            raise LogDamaged(f"{self._path}: leaf {self.size} cannot be read") from error
        if line != _line(self.size, leaf):
            raise LogDamaged(f"{self._path}: leaf {self.size} is not what was appended")
        return leaf

    def _take(self, leaf: bytes) -> int:
        index = self._tree.add(hashed := leaf_hash(leaf))
        self._leaves.append(leaf)
        self._indexes.setdefault(hashed, index)
        return index


def _line(index: int, leaf: bytes) -> bytes:
    text = base64.b64encode(leaf).decode()
    return canonical_json({"hash": leaf_hash(leaf).hex(), "index": index, "leaf": text})
