"""Stored bytes: that all are there which a version needs, and that they are what they were."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from medley_registry.adapters import Version, VersionState
from medley_registry.base_folder import Progress
from medley_registry.blobs import BlobStore
from medley_registry.digest import Digest, digest_stream
from medley_registry.errors import BlobMissing, Unavailable
from medley_registry.findings import Code, Finding
from medley_registry.index import Index
from medley_registry.upkeep.naming import name_of


@dataclass(slots=True)
class Need:
    """What versions say of one blob; those that were deleted do not need it any more."""

    sizes_bytes: set[int] = field(default_factory=set)
    versions: list[Version] = field(default_factory=list)

    def is_needed(self) -> bool:
        return any(version.state is not VersionState.DELETED for version in self.versions)


@dataclass(frozen=True, slots=True)
class BlobsChecked:
    """``orphans``: blobs that no version names, which a collection removes in time."""

    findings: list[Finding]
    blobs: int
    size_bytes: int
    orphans: int


def check_blobs(
    versions: Iterable[Version],
    *,
    index: Index,
    blobs: BlobStore,
    is_quick: bool,
    progress: Progress | None,
) -> BlobsChecked:
    """Look at every blob that these versions name; unless it is to be quick, hash it.

    The versions were read some time ago, so that a finding is looked at once more before it is
    told: meanwhile the blob may have been mended, or its version deleted and collected.
    """
    needs = _needs(versions)
    sizes = {stored.digest: stored.size_bytes for stored in blobs.list()}
    named = {digest: sizes[digest] for digest in needs if digest in sizes}
    count = _counter(sum(named.values()), progress)
    findings = []
    for digest, need in needs.items():
        if is_quick:
            found = _glance(digest, need, sizes.get(digest))
        else:
            found = _read(digest, need, blobs=blobs, each=count)
        if found and _still_needs(index, need):
            findings += [again] if (again := _read(digest, need, blobs=blobs, each=len)) else []
    return BlobsChecked(findings, len(named), sum(named.values()), len(sizes) - len(named))


def _needs(versions: Iterable[Version]) -> dict[Digest, Need]:
    needs: dict[Digest, Need] = {}
    for version in versions:
        for entry in version.manifest.files:
            need = needs.setdefault(entry.sha256, Need())
            need.sizes_bytes.add(entry.size)
            need.versions.append(version)
    return needs


def _glance(digest: Digest, need: Need, size_bytes: int | None) -> Finding | None:
    if size_bytes is None:
        return _finding(Code.BLOB_MISSING, digest, need, "is not in the store")
    if need.sizes_bytes != {size_bytes}:
        return _finding(Code.BLOB_SIZE, digest, need, f"has {size_bytes} bytes")
    return None


def _read(
    digest: Digest, need: Need, *, blobs: BlobStore, each: Callable[[bytes], object]
) -> Finding | None:
    try:
        with blobs.open(digest) as stream:
            found, size_bytes = digest_stream(stream, each=each)
    except BlobMissing:
        if not need.is_needed():
            return None
        return _finding(Code.BLOB_MISSING, digest, need, "is not in the store")
    except (OSError, Unavailable) as error:
        blobs.has(digest)  # raises where it is the store that cannot be reached, not this blob
        return _finding(Code.BLOB_UNREADABLE, digest, need, str(error))
    if need.sizes_bytes != {size_bytes}:
        return _finding(Code.BLOB_SIZE, digest, need, f"has {size_bytes} bytes")
    if found != digest:
        return _finding(Code.BLOB_CONTENT, digest, need, f"is {found} in the store")
    return None


def _finding(code: Code, digest: Digest, need: Need, because: str) -> Finding:
    names = [name_of(version) for version in need.versions]
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return Finding(code, str(digest), f"{because}; in {', '.join(names[:3])}{more}")


def _still_needs(index: Index, need: Need) -> bool:
    if not need.is_needed():
        return True  # what is kept of a deleted version is to be right as well
    with index.read() as reader:
        now = [reader.one(Version, adapter=v.adapter, number=v.number) for v in need.versions]
    return any(version and version.state is not VersionState.DELETED for version in now)


def _counter(total_bytes: int, progress: Progress | None) -> Callable[[bytes], object]:
    done_bytes = 0

    def count(chunk: bytes) -> None:
        nonlocal done_bytes
        done_bytes += len(chunk)
        if progress is not None:
            progress(done_bytes, total_bytes)

    return count
