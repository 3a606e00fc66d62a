"""Taking an adapter's files in: checked where they lie, stored, and checked again as stored."""

from pathlib import Path

from medley_registry.admission import (
    MEDIA_TYPES,
    AdmittedAdapter,
    admit,
    open_submitted,
    submitted_files,
)
from medley_registry.bases import BaseModel
from medley_registry.blobs import BlobStore
from medley_registry.manifest import FileEntry, Manifest


def take_in(folder: Path, *, base: BaseModel, blobs: BlobStore) -> tuple[Manifest, AdmittedAdapter]:
    """Store the files of an adapter's folder, if they may enter.

    The first check spares the store what would be refused anyway. The second one counts: the
    folder's owner could have changed it in between, but not the stored bytes.

    Raises:
        AdmissionRefused: the files break a rule.
    """
    names = submitted_files(folder)
    admit(lambda name: open_submitted(folder, name), module_shapes=base.module_shapes)
    files = {name: _store(folder, name, blobs=blobs) for name in names}
    admitted = admit(lambda name: blobs.open(files[name].sha256), module_shapes=base.module_shapes)
    return Manifest(tuple(files.values())), admitted


def _store(folder: Path, name: str, *, blobs: BlobStore) -> FileEntry:
    with open_submitted(folder, name) as stream:
        blob = blobs.put(stream)
    return FileEntry(name, blob.size_bytes, blob.digest, MEDIA_TYPES[name])
