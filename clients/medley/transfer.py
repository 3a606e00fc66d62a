"""Files on their way to a server and from it, each checked against its digest."""

import hashlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import NoReturn, Self

from medley_registry import FileEntry, Lineage, Manifest, Version, VersionState
from medley_registry.digest import digest_stream

from medley.adapter_calls import file_path, publish
from medley.answers import Answer
from medley.calls import Call
from medley.documents import Document
from medley.errors import ContentMismatch, arguments

_PARTS = {
    "adapter_config.json": "config",
    "adapter_model.safetensors": "weights",
    "README.md": "readme",
    "golden.json": "golden",
}


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


def sendable_files(folder: Path, manifest: Manifest) -> Mapping[str, Document]:
    """The files of a folder by the names of their parts in a form."""
    return {_PARTS[entry.path]: Document.of(folder / entry.path) for entry in manifest.files}


def publication(
    folder: str | Path,
    *,
    name: str,
    base: str,
    round: int | None = None,  # noqa: A002 the domain's word
    note: str = "",
    lineage: Lineage | None = None,
    state: VersionState = VersionState.ADMITTED,
    key: str | Path | None = None,
) -> Call[Version]:
    """The call that publishes what is in a folder; its answer must be that, and nothing else."""
    manifest = manifest_of(Path(folder))
    signature = None
    if key is not None:
        from medley_registry import KeySigner

        with arguments():
            signer = KeySigner(key)
            signature = (signer.key_id, signer.sign(manifest))
    call = publish(
        sendable_files(Path(folder), manifest),
        name=name,
        base=base,
        round=round,
        note=note,
        lineage=lineage,
        state=state,
        signature=signature,
    )

    def read(answer: Answer) -> Version:
        version = call.read(answer)
        if version.digest != manifest.digest:
            raise ContentMismatch(f"the server has {version.digest}, not {manifest.digest}")
        return version

    return replace(call, read=read)


class Sink:
    """Takes in one file; a context manager, which fails if it is not the right one."""

    def __init__(self, entry: FileEntry, target: Path) -> None:
        """Makes the file."""
        self._entry = entry
        self._seen = hashlib.sha256()
        self._left = entry.size
        self._file = target.open("xb")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._file:
            self._file.flush()
            os.fsync(self._file.fileno())
        if kind is None and (self._left or self._seen.hexdigest() != self._entry.sha256.hex):
            self._refuse()

    def take(self, piece: bytes) -> None:
        """Write a piece on.

        Raises:
            ContentMismatch: it is more than there should be; there is no use in writing on.
        """
        self._left -= len(piece)
        if self._left < 0:
            self._refuse()
        self._seen.update(piece)
        self._file.write(piece)

    def _refuse(self) -> NoReturn:
        expected = self._entry.sha256
        raise ContentMismatch(f"{self._entry.path} came in with another content than {expected}")


@contextmanager
def receiving(
    version: Version, folder: Path, *, reference: str
) -> Iterator[Iterator[tuple[str, Sink]]]:
    """Take in a version's files aside, and rename them into place when all are right.

    Gives the path of each file on the server, with what takes it in.

    Raises:
        ContentMismatch: a file has another digest, or the version has, that was asked for.
        OSError: the folder cannot be written, or holds something.
    """
    _, _, prefix = reference.partition("@sha256:")
    if not version.digest.hex.startswith(prefix):
        raise ContentMismatch(f"the server answers {reference} with {version.digest}")
    target = folder.absolute()
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".incoming-") as aside:
        incoming = Path(aside, "files")
        incoming.mkdir()
        files = version.manifest.files
        yield ((file_path(version, one.path), Sink(one, incoming / one.path)) for one in files)
        incoming.rename(target)  # replaces an empty folder, and fails on any other
