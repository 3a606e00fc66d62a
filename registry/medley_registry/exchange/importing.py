"""Taking a version in from a folder or the hub, with what can be believed of it.

Everything is checked before the first change. The change is one publication, then signatures and
evidence; a crash in between leaves a whole version, and the same import again adds what is missing.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from medley_registry.adapters import Version
from medley_registry.base_folder import Progress
from medley_registry.digest import Digest
from medley_registry.errors import AdmissionRefused, SignatureRefused
from medley_registry.exchange.foreign_folder import ForeignFolder, staged
from medley_registry.exchange.hub import SCHEME, HubAddress, downloaded
from medley_registry.exchange.imported_evidence import bring_evidence, check_evidence
from medley_registry.exchange.layout import FOLDER, place_of
from medley_registry.exchange.package import read_package
from medley_registry.exchange.peft_folder import adapter_files, check_layout
from medley_registry.exchange.reception import base_here, check_trusted, trusted_keys
from medley_registry.lineage import Lineage
from medley_registry.manifest import Manifest
from medley_registry.registry import Registry
from medley_registry.signing import GivenSignature, Signer


@dataclass(frozen=True, slots=True)
class _Source:
    """Where files are now, where they came from, and what the hub says they hold."""

    folder: ForeignFolder
    origin: str
    digests: dict[str, Digest]


@dataclass(frozen=True, slots=True)
class _Order:
    """What the caller of `import_version` asks for."""

    name: str | None
    base: str | None
    actor: str
    signer: Signer | None
    trust: str | None
    progress: Progress | None


def import_version(
    registry: Registry,
    source: str | Path,
    *,
    name: str | None = None,
    base: str | None = None,
    actor: str,
    signer: Signer | None = None,
    trust: str | None = None,
    progress: Progress | None = None,
) -> Version:
    """Take a version in; the same one again gives the version that is there.

    Args:
        registry: Where it goes.
        source: A folder that `export_version` wrote; or one with a PEFT adapter, in which other
            files are left alone; or either of them on the Hugging Face hub, as
            ``hf://owner/name@<commit>``.
        name: The adapter to add it to; an exported version brings its own.
        base: The base model, by its name here; found by content for an exported version.
        actor: Who imports.
        signer: Signs it where this registry trusts keys and none of them has signed it; where one
            has, that signature comes along.
        trust: A public key (PEM) that counts for this import, beside those trusted here. With it,
            only a version that one of them signed is taken.
        progress: Called while the files are checked.

    Raises:
        AdmissionRefused: the files break a rule of `medley_registry.admission`, or one of
            ``package-*``, ``hub-*``, ``file-*`` and ``import-*``.
        SignatureRefused: a signature is wrong, or none is by a key that counts.
        BaseNotFound, BaseMismatch: the base model it is for is not here, or is not that one.
        Withdrawn: this content was revoked here, or deleted.
        NotFound, Unavailable: the hub does not have it, or cannot be reached.
    """
    order = _Order(name, base, actor, signer, trust, progress)
    with _opened(source) as found:
        if FOLDER in found.folder.names():
            return _take_package(registry, found, order)
        return _take_adapter(registry, found, order)


@contextmanager
def _opened(source: str | Path) -> Iterator[_Source]:
    if isinstance(source, str) and source.startswith(SCHEME):
        address = HubAddress.parse(source)
        with downloaded(address) as download:
            yield _Source(ForeignFolder(download.folder), str(address), download.digests)
    else:
        yield _Source(ForeignFolder(Path(source)), "", {})


def _given(value: str | None, *, what: str, because: str) -> str:
    if value is None:
        raise AdmissionRefused(f"import-{what}", "none", because=because)
    return value


def _take_adapter(registry: Registry, found: _Source, order: _Order) -> Version:
    """Publish a plain adapter folder, of which the origin is all there is to tell."""
    if order.trust is not None:
        raise SignatureRefused("there is no signature in a plain adapter folder")
    names = found.folder.names()
    check_layout(names)
    sources = {name: name for name in adapter_files(names)}
    with staged(found.folder, sources, digests=found.digests) as files:
        return registry.publish(
            files,
            name=_given(order.name, what="name", because="say which adapter it becomes part of"),
            base=_given(order.base, what="base", because="say which base model it is for"),
            actor=order.actor,
            lineage=Lineage(origin=found.origin),
            signer=order.signer,
            progress=order.progress,
        )


def _take_package(registry: Registry, found: _Source, order: _Order) -> Version:
    package = read_package(found.folder)
    record, manifest = package.record, package.record.version.manifest
    trusted = trusted_keys(registry)
    counting = check_trusted(registry, package, trusted, also=order.trust)
    check_evidence(record)
    base = base_here(registry, record, name=order.base)
    carried = [
        GivenSignature(s.key_id, s.public_key, s.bundle)
        for s in record.signatures
        if s.key_id in trusted
    ]
    origin = found.origin or f"package of {record.version.reference}"
    sources = {entry.path: place_of(entry.path) for entry in manifest.files}
    digests = {entry.path: entry.sha256 for entry in manifest.files}
    with staged(found.folder, sources, digests=digests) as files:
        _check_sizes(files, manifest)
        version = registry.publish(
            files,
            name=order.name or record.version.adapter,
            base=base.name,
            actor=order.actor,
            round=record.version.round,
            note=record.version.note,
            lineage=replace(record.version.lineage, origin=origin),
            signer=carried[0] if carried else order.signer,
            progress=order.progress,
        )
    for signature in carried:
        registry.trust.sign(version.adapter, version.number, signer=signature, actor=order.actor)
    is_vouched = package.exporter in counting
    bring_evidence(registry, version, record, actor=order.actor, is_vouched=is_vouched)
    return version


def _check_sizes(files: Path, manifest: Manifest) -> None:
    """With the digests right, only a wrong size could still make another version of them."""
    for entry in manifest.files:
        size_bytes = (files / entry.path).stat().st_size
        if size_bytes != entry.size:
            found = f"{entry.path}: {entry.size}"
            raise AdmissionRefused("package-record", found, because=f"it has {size_bytes} bytes")
