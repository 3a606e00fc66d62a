"""A folder from outside, read without following a link out of it."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from stat import S_ISREG
from tempfile import TemporaryDirectory
from typing import BinaryIO

from medley_registry.admission import SIZE_LIMITS
from medley_registry.digest import Digest, digest_stream
from medley_registry.durable import disk_errors
from medley_registry.errors import AdmissionRefused

# More than any package has, and few enough to list.
_MOST_ENTRIES = 1000


class ForeignFolder:
    """Names and bytes of a folder; every name is relative to it, with ``/`` between parts."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def names(self) -> set[str]:
        """What lies in the folder itself, whatever it is.

        Raises:
            AdmissionRefused: by rule ``folder-readable``.
        """
        try:
            return set(os.listdir(self._path))  # noqa: PTH208 names are wanted, not paths
        except (OSError, ValueError) as error:
            because = getattr(error, "strerror", None) or "cannot be read"
            raise AdmissionRefused("folder-readable", str(self._path), because=because) from error

    def files(self) -> set[str]:
        """Every file in the folder and those below it.

        Raises:
            AdmissionRefused: by rule ``file-kind``: a link, a device or the like lies there; or
                ``folder-readable``.
        """
        self.names()
        found: set[str] = set()
        waiting = [""]
        while waiting:
            inner = waiting.pop()
            with os.scandir(self._path / inner) as entries:
                for entry in entries:
                    name = f"{inner}{entry.name}"
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(f"{name}/")
                    elif entry.is_file(follow_symlinks=False):
                        found.add(name)
                    else:
                        raise AdmissionRefused("file-kind", name, because="not a regular file")
            if len(found) + len(waiting) > _MOST_ENTRIES:
                raise AdmissionRefused(
                    "folder-size", str(self._path), because=f"at most {_MOST_ENTRIES} files"
                )
        return found

    def read(self, name: str, *, limit_bytes: int) -> bytes:
        """A small file's bytes.

        Raises:
            AdmissionRefused: by rule ``file-size`` or ``file-kind``.
        """
        with self.open(name) as stream:
            content = stream.read(limit_bytes + 1)
        if len(content) > limit_bytes:
            raise AdmissionRefused("file-size", name, because=f"at most {limit_bytes} bytes")
        return content

    def open(self, name: str) -> BinaryIO:
        """Open a file for reading; neither it nor a folder on the way may be a link.

        Raises:
            AdmissionRefused: by rule ``file-kind``.
        """
        try:
            return os.fdopen(self._descriptor(name.split("/")), "rb")
        except OSError as error:
            because = error.strerror or "cannot be read"
            raise AdmissionRefused("file-kind", name, because=because) from error

    def _descriptor(self, parts: list[str]) -> int:
        place = os.open(self._path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            for part in parts[:-1]:
                inner = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=place)
                os.close(place)
                place = inner
            # Not blocking, because a pipe put there in the meantime would hold us for ever.
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY
            descriptor = os.open(parts[-1], flags, dir_fd=place)
        finally:
            os.close(place)
        if not S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise OSError(0, "not a regular file")
        return descriptor


@contextmanager
def staged(
    folder: ForeignFolder, sources: Mapping[str, str], *, digests: Mapping[str, Digest]
) -> Iterator[Path]:
    """Copies of some files in a folder of our own, there for as long as the block lasts.

    Args:
        folder: Where they are.
        sources: The name to give each file, and where it lies.
        digests: What files must hold, by the name given; those not named may hold anything.

    Raises:
        AdmissionRefused: by rule ``file-digest``, ``file-kind`` or ``file-size``.
        Unavailable: there is no room for the copies.
    """
    with TemporaryDirectory(prefix="medley-import-") as place:
        for name, source in sources.items():
            digest = _copy(folder, source, Path(place, name))
            wanted = digests.get(name, digest)
            if digest != wanted:
                raise AdmissionRefused(
                    "file-digest", f"{source}: {digest}", because=f"it should be {wanted}"
                )
        yield Path(place)


def _copy(folder: ForeignFolder, source: str, target: Path) -> Digest:
    with folder.open(source) as stream, disk_errors(target), target.open("xb") as sink:
        _check_size(stream, source, limit_bytes=SIZE_LIMITS[target.name])
        digest, _ = digest_stream(stream, each=sink.write)
    return digest


def _check_size(stream: BinaryIO, name: str, *, limit_bytes: int) -> None:
    size_bytes = os.fstat(stream.fileno()).st_size
    if size_bytes > limit_bytes:
        raise AdmissionRefused(
            "file-size", f"{name}: {size_bytes} bytes", because=f"at most {limit_bytes}"
        )
