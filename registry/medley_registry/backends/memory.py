"""Both ports in memory: the reference that the durable backends are held against."""

import copy
import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import BinaryIO

from medley_registry.adapters import Adapter, Alias, AliasMove, Version
from medley_registry.bases import BaseModel
from medley_registry.blobs import Blob
from medley_registry.digest import Digest, digest_stream
from medley_registry.errors import BlobMissing
from medley_registry.events import Event
from medley_registry.index import IndexReader, IndexWriter


class MemoryBlobs:
    """A `BlobStore` that forgets when the process ends."""

    def __init__(self) -> None:
        self._blobs: dict[Digest, bytes] = {}

    def put(self, source: BinaryIO) -> Blob:
        content = io.BytesIO()
        digest, size_bytes = digest_stream(source, each=content.write)
        self._blobs[digest] = content.getvalue()
        return Blob(digest, size_bytes)

    def open(self, digest: Digest) -> BinaryIO:
        if digest not in self._blobs:
            raise BlobMissing(f"blob {digest} is not in the store")
        return io.BytesIO(self._blobs[digest])

    def has(self, digest: Digest) -> bool:
        return digest in self._blobs


@dataclass
class _State:
    """The tables, and the reading and writing of them."""

    base_rows: dict[str, BaseModel] = field(default_factory=dict)
    adapter_rows: dict[str, Adapter] = field(default_factory=dict)
    version_rows: dict[tuple[str, int], Version] = field(default_factory=dict)
    alias_rows: dict[tuple[str, str], Alias] = field(default_factory=dict)
    move_rows: list[AliasMove] = field(default_factory=list)
    event_rows: list[Event] = field(default_factory=list)

    def base(self, name: str) -> BaseModel | None:
        return self.base_rows.get(name)

    def bases(self) -> list[BaseModel]:
        return [base for _, base in sorted(self.base_rows.items())]

    def adapter(self, name: str) -> Adapter | None:
        return self.adapter_rows.get(name)

    def adapters(self) -> list[Adapter]:
        return [adapter for _, adapter in sorted(self.adapter_rows.items())]

    def version(self, adapter: str, number: int) -> Version | None:
        return self.version_rows.get((adapter, number))

    def versions(self, adapter: str) -> list[Version]:
        return [v for (name, _), v in sorted(self.version_rows.items()) if name == adapter]

    def versions_by_digest(self, adapter: str, hex_prefix: str) -> list[Version]:
        return [v for v in self.versions(adapter) if v.digest.hex.startswith(hex_prefix)]

    def last_number(self, adapter: str) -> int:
        return len(self.versions(adapter))

    def alias(self, adapter: str, name: str) -> Alias | None:
        return self.alias_rows.get((adapter, name))

    def aliases(self, adapter: str | None) -> list[Alias]:
        return [a for _, a in sorted(self.alias_rows.items()) if adapter in (None, a.adapter)]

    def moves(self, adapter: str, alias: str | None) -> list[AliasMove]:
        return [m for m in self.move_rows if m.adapter == adapter and alias in (None, m.alias)]

    def head(self) -> int:
        return len(self.event_rows)

    def events(self, *, after: int, limit: int) -> list[Event]:
        return self.event_rows[after : after + limit]

    def add_base(self, base: BaseModel) -> None:
        self.base_rows[base.name] = base

    def move_base(self, name: str, path: Path) -> None:
        self.base_rows[name] = replace(self.base_rows[name], path=path)

    def add_adapter(self, adapter: Adapter) -> None:
        self.adapter_rows[adapter.name] = adapter

    def add_version(self, version: Version) -> None:
        self.version_rows[version.adapter, version.number] = version

    def move_alias(self, alias: Alias, move: AliasMove) -> None:
        self.alias_rows[alias.adapter, alias.name] = alias
        self.move_rows.append(move)

    def append(self, event: Event) -> None:
        self.event_rows.append(event)


class MemoryIndex:
    """An `Index` that forgets. A writer changes a copy, so readers keep the state they began on."""

    def __init__(self) -> None:
        self._state = _State()
        self._writer = threading.Lock()

    @contextmanager
    def read(self) -> Iterator[IndexReader]:
        yield self._state

    @contextmanager
    def write(self) -> Iterator[IndexWriter]:
        with self._writer:
            draft = _State(
                **{f.name: copy.copy(getattr(self._state, f.name)) for f in fields(_State)}
            )
            yield draft
            self._state = draft

    def close(self) -> None:
        pass
