"""One file of a version on its way to a caller, who never gets the whole of a damaged one."""

import hashlib
import logging
from collections.abc import Iterator
from typing import BinaryIO

from medley_registry import DigestMismatch, FileEntry, Reference, Registry, VersionNotFound
from medley_registry.rules import check_readable

log = logging.getLogger(__name__)

_CHUNK_BYTES = 1 << 18


def find_file(registry: Registry, reference: Reference, path: str, *, to_serve: bool) -> FileEntry:
    """What the manifest of a version says of a file, if its bytes may be handed out.

    Args:
        registry: where it is.
        reference: the version.
        path: the file's name in the manifest.
        to_serve: only of a version that may be served; else of one that is not withdrawn.

    Raises:
        VersionNotFound: there is no such version, or it has no such file.
        NotServable: the version's state forbids it.
        SignatureRefused: the registry trusts keys, and none of them vouches for the version.
    """
    version = registry.resolve(reference)
    check_readable(version, to_serve=to_serve)
    registry.trust.verify(version)
    for entry in version.manifest.files:
        if entry.path == path:
            return entry
    raise VersionNotFound(f"{version.reference} has no file {path!r}")


def checked(stream: BinaryIO, entry: FileEntry) -> Iterator[bytes]:
    """A stored file's bytes; the last of them only if the digest of all is right.

    Where it is not, the answer breaks off before the length it announced, and no client takes that
    for a whole file.

    Raises:
        DigestMismatch: at the end, where the digest is another.
    """
    seen, held = hashlib.sha256(), b""
    with stream:
        while chunk := stream.read(_CHUNK_BYTES):
            seen.update(chunk)
            if held:
                yield held
            held = chunk
    if seen.hexdigest() != entry.sha256.hex:
        log.error("%s is damaged in the store: it holds %s", entry.sha256, seen.hexdigest())
        raise DigestMismatch(f"{entry.path}: the store does not hold {entry.sha256}")
    yield held
