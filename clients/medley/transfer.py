"""Files on their way to a server and from it, each checked against its digest."""

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from medley_registry import FileEntry, Manifest, Version
from medley_registry.digest import digest_stream

from medley.adapter_calls import file_path
from medley.errors import ContentMismatch, arguments

_PARTS = {
    "adapter_config.json": "config",
    "adapter_model.safetensors": "weights",
    "README.md": "readme",
}

Stream = Callable[[str], AbstractContextManager[Iterator[bytes]]]
"""Opens a path of the server's for reading."""


def manifest_of(folder: Path) -> Manifest:
    """What a version made of this folder will consist of.

    Raises:
        InvalidArgument: something else lies there.
    """
    from medley_registry.admission import MEDIA_TYPES, open_submitted

    entries = []
    with arguments():
        for name in sorted(path.name for path in folder.iterdir()):
            with open_submitted(folder, name) as stream:
                digest, size = digest_stream(stream, each=len)
            entries.append(FileEntry(name, size, digest, MEDIA_TYPES[name]))
    return Manifest(tuple(entries))


def sendable_files(folder: Path, manifest: Manifest) -> Mapping[str, Path]:
    """The files of a folder by the names of their parts in a form."""
    return {_PARTS[entry.path]: folder / entry.path for entry in manifest.files}


def receive(version: Version, folder: Path, stream: Stream) -> None:
    """Write a version's files aside, and rename them into place when all are right.

    Raises:
        ContentMismatch: a file has another digest.
        OSError: the folder cannot be written, or holds something.
    """
    target = folder.absolute()
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".incoming-") as aside:
        incoming = Path(aside, "files")
        incoming.mkdir()
        for entry in version.manifest.files:
            with stream(file_path(version, entry.path)) as pieces:
                _write(entry, incoming / entry.path, pieces)
        incoming.rename(target)  # replaces an empty folder, and fails on any other


def _write(entry: FileEntry, target: Path, pieces: Iterator[bytes]) -> None:
    seen, left = hashlib.sha256(), entry.size
    with target.open("xb") as sink:
        for piece in pieces:
            seen.update(piece)
            left -= len(piece)
            if left < 0:  # no use in writing on
                break
            sink.write(piece)
        sink.flush()
        os.fsync(sink.fileno())
    if left != 0 or seen.hexdigest() != entry.sha256.hex:
        raise ContentMismatch(f"{entry.path} came in with another content than {entry.sha256}")
