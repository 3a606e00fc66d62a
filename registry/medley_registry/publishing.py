"""Taking an adapter's files in, and making a version of them."""

from dataclasses import dataclass
from pathlib import Path

from medley_registry import journal, rules, timestamps
from medley_registry.adapters import Adapter, Version, VersionState
from medley_registry.admission import (
    MEDIA_TYPES,
    AdmittedAdapter,
    admit,
    open_submitted,
    submitted_files,
)
from medley_registry.bases import BaseModel
from medley_registry.blobs import BlobStore
from medley_registry.index import IndexWriter
from medley_registry.manifest import FileEntry, Manifest


@dataclass(frozen=True, slots=True)
class Intake:
    """Files that are stored and may be published for the base they were checked against."""

    manifest: Manifest
    admitted: AdmittedAdapter
    base: BaseModel


def take_in(folder: Path, *, base: BaseModel, blobs: BlobStore) -> Intake:
    """Store the files of an adapter's folder, if they may enter.

    They are checked where they lie, which spares the store what would be refused anyway, and once
    more as stored, which is what counts: the folder could have changed in between.

    Raises:
        AdmissionRefused: the files break a rule.
    """
    names = submitted_files(folder)
    admit(lambda name: open_submitted(folder, name), module_shapes=base.module_shapes)
    files = {name: _store(folder, name, blobs=blobs) for name in names}
    admitted = admit(lambda name: blobs.open(files[name].sha256), module_shapes=base.module_shapes)
    return Intake(Manifest(tuple(files.values())), admitted, base)


def add_version(
    writer: IndexWriter, intake: Intake, *, name: str, actor: str, round_: int | None, note: str
) -> Version:
    """The adapter's version with this content: the one that has it already, else the next.

    Raises:
        BaseMismatch, NameTaken: the adapter `name` cannot have it.
    """
    adapter = _adapter_for(writer, name, intake.base)
    digest = intake.manifest.digest
    for known in writer.versions_by_digest(name, digest.hex):
        return known
    version = Version(
        adapter=name,
        number=writer.last_number(name) + 1,
        digest=digest,
        base=adapter.base,
        base_id=adapter.base_id,
        rank=intake.admitted.rank,
        alpha=intake.admitted.alpha,
        target_modules=intake.admitted.target_modules,
        round=round_,
        state=VersionState.ADMITTED,
        note=note,
        published_by=actor,
        created_at=timestamps.now(),
        manifest=intake.manifest,
    )
    journal.add_version(writer, version)
    return version


def _store(folder: Path, name: str, *, blobs: BlobStore) -> FileEntry:
    with open_submitted(folder, name) as stream:
        blob = blobs.put(stream)
    return FileEntry(name, blob.size_bytes, blob.digest, MEDIA_TYPES[name])


def _adapter_for(writer: IndexWriter, name: str, base: BaseModel) -> Adapter:
    adapter = writer.adapter(name)
    if adapter is None:
        rules.check_adapter_name(writer, name)
        adapter = Adapter(name, base.name, base.base_id, timestamps.now())
        writer.add_adapter(adapter)
    rules.check_same_base(adapter, base)
    return adapter
