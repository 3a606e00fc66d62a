"""Both ports in memory: the reference that the durable backends are held against."""

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from datetime import datetime
from typing import Any, BinaryIO, cast

from medley_registry import timestamps
from medley_registry.adapters import Version
from medley_registry.blobs import Blob, StoredBlob
from medley_registry.digest import Digest, digest_stream
from medley_registry.errors import BlobMissing
from medley_registry.events import Event
from medley_registry.findings import Finding
from medley_registry.index import IndexReader, IndexWriter
from medley_registry.kinds import KINDS, R, Record, key_of

_Rows = dict[tuple[Any, ...], Record]


class MemoryBlobs:
    """A `BlobStore` that forgets when the process ends."""

    def __init__(self) -> None:
        self._blobs: dict[Digest, tuple[bytes, datetime]] = {}

    def put(self, source: BinaryIO) -> Blob:
        content = io.BytesIO()
        digest, size_bytes = digest_stream(source, each=content.write)
        self._blobs[digest] = (content.getvalue(), timestamps.now())
        return Blob(digest, size_bytes)

    def open(self, digest: Digest) -> BinaryIO:
        if digest not in self._blobs:
            raise BlobMissing(f"blob {digest} is not in the store")
        return io.BytesIO(self._blobs[digest][0])

    def has(self, digest: Digest) -> bool:
        return digest in self._blobs

    def remove(self, digest: Digest) -> None:
        self._blobs.pop(digest, None)

    def list(self) -> Iterator[StoredBlob]:
        for digest, (content, modified_at) in list(self._blobs.items()):
            yield StoredBlob(digest, len(content), modified_at)

    def sweep(self, older_than: datetime) -> int:
        return 0


class _State:
    """The rows of each kind by their key, and the log."""

    def __init__(self, rows: dict[type[Any], _Rows], log: list[Event]) -> None:
        self.rows = rows
        self.log = log

    def copy(self) -> "_State":
        return _State({kind: dict(rows) for kind, rows in self.rows.items()}, [*self.log])

    def one(self, kind: type[R], /, **key: object) -> R | None:
        found = self.rows[kind].get(tuple(key[name] for name in KINDS[kind].key))
        return cast("R | None", found)

    def scan(self, kind: type[R], /) -> Iterator[R | Finding]:
        yield from cast("list[R]", self.log) if kind is Event else self.all(kind)

    def all(self, kind: type[R], /, **equal: object) -> list[R]:
        rows = [row for _, row in sorted(self.rows[kind].items())]
        return [
            cast("R", row)
            for row in rows
            if all(getattr(row, name) == value for name, value in equal.items())
        ]

    def versions(self, adapter: str, *, before: int | None, limit: int | None) -> list[Version]:
        found = self.all(Version, adapter=adapter)
        older = [version for version in found if before is None or version.number < before]
        return older if limit is None else older[max(0, len(older) - limit) :]

    def versions_by_digest(self, adapter: str, hex_prefix: str) -> list[Version]:
        found = self.all(Version, adapter=adapter)
        return [version for version in found if version.digest.hex.startswith(hex_prefix)]

    def last_number(self, adapter: str) -> int:
        return len(self.all(Version, adapter=adapter))

    def head(self) -> int:
        return len(self.log)

    def events(self, *, after: int, limit: int) -> list[Event]:
        return self.log[after : after + limit]

    def add(self, *records: Record) -> None:
        for record in records:
            rows = self.rows[type(record)]
            if key_of(record) in rows:
                raise ValueError(f"there is such a record: {record}")
            rows[key_of(record)] = record

    def replace(self, record: Record) -> None:
        rows, kind = self.rows[type(record)], KINDS[type(record)]
        found = rows[key_of(record)]
        for field in fields(record):
            is_final = field.name not in kind.changeable
            if is_final and getattr(found, field.name) != getattr(record, field.name):
                raise ValueError(f"{field.name} of {record} is final")
        rows[key_of(record)] = record

    def remove(self, record: Record) -> None:
        if not KINDS[type(record)].is_passing:
            raise ValueError(f"{record} stays for ever")
        self.rows[type(record)].pop(key_of(record), None)

    def append(self, *events: Event) -> None:
        self.log += events


class MemoryIndex:
    """An `Index` that forgets. A writer changes a copy, so readers keep the state they began on."""

    def __init__(self) -> None:
        self._state = _State({kind: {} for kind in KINDS}, [])
        self._writer = threading.Lock()

    @contextmanager
    def read(self) -> Iterator[IndexReader]:
        yield self._state

    @contextmanager
    def write(self) -> Iterator[IndexWriter]:
        with self._writer:
            draft = self._state.copy()
            yield draft
            self._state = draft

    def examine(self) -> list[Finding]:
        return []

    def close(self) -> None:
        pass
