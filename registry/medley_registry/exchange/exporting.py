"""Writing a version out as a folder that stands alone: for a hub, or for another registry.

The folder's layout is that of `medley_registry.exchange.layout`. The same record gives the same
bytes in every file but ``package.sig``, since ECDSA signatures differ each time.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from medley_registry.adapters import Version
from medley_registry.admission import CONFIG_FILE
from medley_registry.base_folder import Progress
from medley_registry.digest import digest_stream
from medley_registry.durable import disk_errors, folder_aside, sync_folder
from medley_registry.errors import (
    DigestMismatch,
    NotServable,
)
from medley_registry.exchange.bom import bill_of_materials
from medley_registry.exchange.card import model_card
from medley_registry.exchange.layout import (
    BOM_FILE,
    CARD_FILE,
    FOLDER,
    KEYS,
    OWN_README,
    PACKAGE_SIGNATURE_FILE,
    RECORD_FILE,
    SIGNATURE_FILE,
    described,
    key_place,
    place_of,
)
from medley_registry.exchange.record import BaseIdentity, CarriedSignature, VersionRecord
from medley_registry.manifest import FileEntry
from medley_registry.references import Reference
from medley_registry.registry import Registry
from medley_registry.signing import Signer
from medley_registry.strict_json import parse_object


def export_version(
    registry: Registry,
    reference: Reference | str,
    folder: str | Path,
    *,
    signer: Signer | None = None,
    progress: Progress | None = None,
) -> Path:
    """Write a version with all that is needed to verify and to use it elsewhere.

    Args:
        registry: Where the version is.
        reference: Names it (see `medley_registry.references`).
        folder: Made by this; an empty one will do.
        signer: Signs the model card, the record and the bill of materials. Without such a
            signature, evidence and lineage are claims that no reader can check.
        progress: Called with the bytes copied and the bytes there are.

    Raises:
        NotServable: its state forbids it to be used, here or elsewhere.
        SignatureRefused: the registry asks for signatures, and the version has none that counts.
        NameTaken: the folder is not empty.
        Damaged: the store does not hold what was published.
        Unavailable: the folder cannot be written.
    """
    version = registry.resolve(reference)
    if not version.state.is_servable:
        raise NotServable(f"{version.reference} is {version.state} and not to be used elsewhere")
    registry.trust.verify(version)
    record = record_of(registry, version)
    target = Path(folder).absolute()
    with disk_errors(target), folder_aside(target) as incoming:
        (incoming / KEYS).mkdir(parents=True)
        _copy_files(registry, record, incoming, progress=progress)
        for place, content in _descriptions(record, incoming, signer=signer).items():
            with (incoming / place).open("xb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
        for inner in (KEYS, FOLDER, "."):
            sync_folder(incoming / inner)
    return target


def record_of(registry: Registry, version: Version) -> VersionRecord:
    """What the registry knows of a version."""
    name, number = version.adapter, version.number
    keys = {key.key_id: key.public_key for key in registry.trust.keys()}  # noqa: SIM118 no dict
    return VersionRecord(
        version=version,
        base=BaseIdentity.of(registry.base(version.base)),
        variants=tuple(registry.evidence.variants(name, number)),
        evidence=tuple(registry.evidence.of(name, number)),
        signatures=tuple(
            CarriedSignature(
                public_key=keys[signature.key_id],
                bundle=signature.bundle,
                by=signature.by,
                at=signature.at,
            )
            for signature in registry.trust.signatures(name, number)
        ),
    )


def _descriptions(
    record: VersionRecord, folder: Path, *, signer: Signer | None
) -> dict[str, bytes]:
    """Every file beside the version's own, by its place."""
    own = folder / OWN_README
    readme = own.read_text(encoding="utf-8", errors="replace") if own.exists() else ""
    claimed = _claimed_base((folder / CONFIG_FILE).read_bytes())
    files = {
        CARD_FILE: model_card(record, claimed_base=claimed, readme=readme).encode(),
        RECORD_FILE: record.to_json(),
        BOM_FILE: bill_of_materials(record, readme=readme),
    }
    keys = [signature.public_key for signature in record.signatures]
    if signer is not None:
        files[PACKAGE_SIGNATURE_FILE] = signer.sign(described(files)).encode()
        keys.append(signer.public_key)
    if record.signatures:
        files[SIGNATURE_FILE] = record.signatures[0].bundle.encode()
    return files | {key_place(key): key.encode() for key in keys}


def _claimed_base(config: bytes) -> str:
    claimed = parse_object(config, what="config").get("base_model_name_or_path")
    return claimed if isinstance(claimed, str) else ""


def _copy_files(
    registry: Registry, record: VersionRecord, folder: Path, *, progress: Progress | None
) -> None:
    manifest = record.version.manifest
    done = 0

    def count(size_bytes: int) -> None:
        nonlocal done
        done += size_bytes
        if progress is not None:
            progress(done, manifest.size_bytes)

    for entry in manifest.files:
        with registry.blobs.open(entry.sha256) as source:
            _copy(entry, source, folder / place_of(entry.path), each=count)


def _copy(entry: FileEntry, source: BinaryIO, target: Path, *, each: Callable[[int], None]) -> None:
    with target.open("xb") as sink:
        digest, _ = digest_stream(source, each=lambda chunk: each(sink.write(chunk)))
        sink.flush()
        os.fsync(sink.fileno())
    if digest != entry.sha256:
        raise DigestMismatch(
            f"{entry.path}: the store holds {digest} under the name of {entry.sha256}"
        )
