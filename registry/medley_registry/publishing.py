"""Taking an adapter's files in, and making a version of them.

A publisher registers what it is about to store before it stores the first byte, so that a
collection running at the same time knows to leave those blobs alone (`medley_registry.upkeep`).
"""

import logging
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from medley_registry import journal, rules, timestamps
from medley_registry.adapters import Adapter, Version, VersionState
from medley_registry.admission import WEIGHTS_FILE, AdmittedAdapter, examine, open_submitted
from medley_registry.base_folder import Progress
from medley_registry.bases import BaseModel
from medley_registry.blobs import BlobStore
from medley_registry.canonical import Json
from medley_registry.errors import (
    AdmissionRefused,
    Conflict,
    RegistryError,
    SignatureRefused,
    Withdrawn,
)
from medley_registry.events import EventKind
from medley_registry.index import Index, IndexWriter
from medley_registry.keys import Signature, TrustedKey
from medley_registry.kinds import Record
from medley_registry.leases import Upload
from medley_registry.lineage import Lineage
from medley_registry.manifest import FileEntry, Manifest
from medley_registry.signing import Signer
from medley_registry.trusting import accept_signature, sign_version
from medley_registry.variants import Variant, VariantKind

log = logging.getLogger(__name__)

UPLOAD_LIFE = timedelta(hours=24)
"""How long a publisher may take, from its first byte to its version."""


@dataclass(frozen=True, slots=True)
class Signed:
    """What a signer made of a manifest."""

    key_id: str
    bundle: str


@dataclass(frozen=True, slots=True)
class Intake:
    """Files that are stored and may be published for the base they were checked against.

    They are signed by now, since that may take a second, in which no other writer should wait.
    """

    manifest: Manifest
    admitted: AdmittedAdapter
    base: BaseModel
    uploads: tuple[Upload, ...]
    signed: Signed | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """What a publisher says of a version."""

    name: str
    actor: str
    round: int | None
    note: str
    lineage: Lineage
    state: VersionState


@contextmanager
def take_in(
    folder: Path,
    *,
    base: BaseModel,
    index: Index,
    blobs: BlobStore,
    signer: Signer | None,
    progress: Progress | None,
) -> Iterator[Intake]:
    """Check and store the files of an adapter's folder, for as long as the block lasts.

    They are read twice: to be checked and hashed, and to be stored. What was stored must have the
    digests of what was checked, for the folder could have changed in between.

    Raises:
        AdmissionRefused: the files break a rule.
    """
    examined = examine(folder, module_shapes=base.module_shapes, progress=progress)
    uploads = _register(index, examined.manifest)
    try:
        for entry in examined.manifest.files:
            _store(folder, entry, blobs=blobs)
        signed = Signed(signer.key_id, signer.sign(examined.manifest)) if signer else None
        yield Intake(examined.manifest, examined.admitted, base, uploads, signed)
    except BaseException:
        with suppress(RegistryError):  # what stays registered runs out by itself
            _forget(index, uploads)
        raise


def add_version(writer: IndexWriter, intake: Intake, publication: Publication) -> Version:
    """The adapter's version with this content: the one that has it already, else the next.

    Raises:
        BaseMismatch, NameTaken: the adapter cannot have it.
        Withdrawn: this content was revoked, or deleted from this adapter.
        SignatureRefused: this registry wants a signature by a key it trusts.
        Conflict: it took longer than `UPLOAD_LIFE`, and the files may have been collected.
    """
    name, digest = publication.name, intake.manifest.digest
    _give_up(writer, intake.uploads)
    rules.check_not_revoked(writer, digest, weights=intake.manifest.digest_of(WEIGHTS_FILE))
    adapter = _adapter_for(writer, name, intake.base)
    for known in writer.versions_by_digest(name, digest.hex):
        if known.state is VersionState.DELETED:
            raise Withdrawn(f"this content was {known.reference}, which was deleted")
        if intake.signed:
            signed, by = intake.signed, publication.actor
            sign_version(writer, known, key_id=signed.key_id, bundle=signed.bundle, by=by)
        return known
    rules.check_lineage(writer, publication.lineage)
    version = Version(
        adapter=name,
        number=writer.last_number(name) + 1,
        digest=digest,
        base=adapter.base,
        base_id=adapter.base_id,
        rank=intake.admitted.rank,
        alpha=intake.admitted.alpha,
        target_modules=intake.admitted.target_modules,
        round=publication.round,
        state=publication.state,
        note=publication.note,
        published_by=publication.actor,
        created_at=timestamps.now(),
        manifest=intake.manifest,
        lineage=publication.lineage,
    )
    added: list[Record] = [version, _first_variant(version)]
    added += _signatures(writer, version, intake.signed)
    for record in added:
        writer.add(record)
    if version.number == 1:
        added.append(adapter)
    _record(writer, version, intake.signed, added=added)
    return version


def _give_up(writer: IndexWriter, uploads: tuple[Upload, ...]) -> None:
    """From here on the version protects its blobs; up to here they must have been protected."""
    for upload in uploads:
        if writer.one(Upload, id=upload.id, digest=upload.digest) is None:
            raise Conflict("publishing took too long and its files were given up; publish again")
        writer.remove(upload)


def _signatures(writer: IndexWriter, version: Version, signed: Signed | None) -> list[Signature]:
    """A registry that trusts keys takes signed versions only."""
    if signed is None:
        if writer.all(TrustedKey):
            raise SignatureRefused("this registry takes signed versions only; give a signing key")
        return []
    by, at = version.published_by, version.created_at
    accepted = accept_signature(
        writer, version, key_id=signed.key_id, bundle=signed.bundle, by=by, at=at
    )
    return [accepted]


def _record(
    writer: IndexWriter, version: Version, signed: Signed | None, *, added: list[Record]
) -> None:
    """The one event of a new version and of all that comes with it."""
    payload: dict[str, Json] = {
        "adapter": version.adapter,
        "number": version.number,
        "digest": str(version.digest),
        "base": version.base,
        "base_id": str(version.base_id),
        "round": version.round,
        "state": version.state.value,
        "signed_by": signed.key_id if signed else None,
    }
    journal.record(
        writer,
        EventKind.VERSION_PUBLISHED,
        at=version.created_at,
        subject=version.reference,
        actor=version.published_by,
        payload=payload,
        records=added,
    )


def _first_variant(version: Version) -> Variant:
    return Variant(
        adapter=version.adapter,
        number=version.number,
        kind=VariantKind.BF16,
        version_digest=version.digest,
        base=version.base,
        base_id=version.base_id,
        recipe={},
        made_by=version.published_by,
        created_at=version.created_at,
    )


def _register(index: Index, manifest: Manifest) -> tuple[Upload, ...]:
    upload_id, expires_at = uuid.uuid4().hex, timestamps.now() + UPLOAD_LIFE
    digests = {entry.sha256 for entry in manifest.files}
    uploads = tuple(Upload(upload_id, digest, expires_at) for digest in sorted(digests))
    with index.write() as writer:
        for upload in uploads:
            writer.add(upload)
    return uploads


def _forget(index: Index, uploads: tuple[Upload, ...]) -> None:
    with index.write() as writer:
        for upload in uploads:
            writer.remove(upload)


def _store(folder: Path, entry: FileEntry, *, blobs: BlobStore) -> None:
    with open_submitted(folder, entry.path) as stream:
        # Its size first, so that a file put in its place cannot fill the store.
        is_same_size = os.fstat(stream.fileno()).st_size == entry.size
        if not is_same_size or blobs.put(stream).digest != entry.sha256:
            because = "the file changed while it was being published"
            raise AdmissionRefused("file-changed", entry.path, because=because)


def _adapter_for(writer: IndexWriter, name: str, base: BaseModel) -> Adapter:
    adapter = writer.one(Adapter, name=name)
    if adapter is None:
        rules.check_adapter_name(writer, name)
        adapter = Adapter(name, base.name, base.base_id, timestamps.now())
        writer.add(adapter)
    rules.check_same_base(adapter, base)
    return adapter
