"""The manifest: which files a version consists of. Its digest is the version's digest."""

import json
import re
from dataclasses import dataclass

from medley_registry.canonical import Json, canonical_json
from medley_registry.digest import Digest
from medley_registry.errors import IndexDamaged, RegistryError

_SCHEMA_VERSION = 1
# Plain names only: whoever writes a manifest out must never leave the folder he was given.
_PATH = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,254}")


def is_plain_name(path: str) -> bool:
    """Whether a manifest may name a file so: no folders, nothing hidden, ASCII."""
    return _PATH.fullmatch(path) is not None


@dataclass(frozen=True, slots=True, order=True)
class FileEntry:
    path: str
    size: int
    sha256: Digest
    media_type: str

    def __post_init__(self) -> None:
        if not is_plain_name(self.path):
            raise ValueError(f"{self.path!r} is not a plain file name")
        if self.size < 0:
            raise ValueError(f"{self.path} cannot have {self.size} bytes")


@dataclass(frozen=True, slots=True)
class Manifest:
    """Files sorted by path, each path once; equal content gives equal bytes, hence one digest."""

    files: tuple[FileEntry, ...]

    def __post_init__(self) -> None:
        ordered = tuple(sorted(self.files))
        if len({entry.path for entry in ordered}) != len(ordered):
            raise ValueError("a manifest names each path once")
        object.__setattr__(self, "files", ordered)

    @property
    def digest(self) -> Digest:
        return Digest.of(self.to_json())

    def digest_of(self, path: str) -> Digest | None:
        """The content of one file; None if it is not among them."""
        return next((entry.sha256 for entry in self.files if entry.path == path), None)

    @property
    def size_bytes(self) -> int:
        return sum(entry.size for entry in self.files)

    def to_json(self) -> bytes:
        """Canonical JSON; ``from_json`` reads exactly these bytes back."""
        files: list[Json] = [
            {"path": f.path, "size": f.size, "sha256": f.sha256.hex, "media_type": f.media_type}
            for f in self.files
        ]
        return canonical_json({"schema_version": _SCHEMA_VERSION, "files": files})

    @classmethod
    def from_json(cls, data: bytes) -> "Manifest":
        """Read a manifest back.

        Raises:
            IndexDamaged: the bytes are not the canonical form of a manifest.
        """
        try:
            files = json.loads(data)["files"]
            manifest = cls(
                tuple(
                    FileEntry(f["path"], f["size"], Digest(f["sha256"]), f["media_type"])
                    for f in files
                )
            )
        except (ValueError, KeyError, TypeError, RegistryError) as error:
            raise IndexDamaged(f"a stored manifest cannot be read: {error}") from error
        if manifest.to_json() != data:
            raise IndexDamaged("a stored manifest is not in canonical form")
        return manifest
