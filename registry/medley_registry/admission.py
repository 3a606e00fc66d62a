"""What may enter the registry as an adapter: plain files, checked before anything loads them.

A refusal names its rule and the offending value. Rules here: ``folder-*`` and ``file-*`` for what
lies in the folder, ``tensor-module`` and ``tensor-shape`` for how the tensors fit the base model;
the others are listed in `medley_registry.adapter_config`, `medley_registry.golden`,
`medley_registry.lora_pairs`, `medley_registry.safetensors_header` and `medley_registry.tensors`.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG
from typing import BinaryIO

from medley_registry.adapter_config import (
    CONFIG_LIMIT_BYTES,
    AdapterConfig,
    parse_adapter_config,
)
from medley_registry.base_folder import Progress
from medley_registry.errors import AdmissionRefused
from medley_registry.golden import GOLDEN_LIMIT_BYTES, parse_golden
from medley_registry.hashed_file import HashedFile
from medley_registry.lora_pairs import LoraPair, lora_pairs
from medley_registry.manifest import FileEntry, Manifest
from medley_registry.safetensors_header import (
    LENGTH_BYTES,
    header_length,
    parse_header,
)
from medley_registry.tensors import check_finite

CONFIG_FILE = "adapter_config.json"
WEIGHTS_FILE = "adapter_model.safetensors"
README_FILE = "README.md"
GOLDEN_FILE = "golden.json"
MEDIA_TYPES = {
    CONFIG_FILE: "application/json",
    WEIGHTS_FILE: "application/vnd.safetensors",
    README_FILE: "text/markdown",
    GOLDEN_FILE: "application/json",
}
# The weights' own header says their exact size; this bounds what one upload can take. Rank 256 on
# every linear module of a 70B model is 6.6 GB in BF16.
SIZE_LIMITS = {
    CONFIG_FILE: CONFIG_LIMIT_BYTES,
    WEIGHTS_FILE: 8 << 30,
    README_FILE: 1 << 20,
    GOLDEN_FILE: GOLDEN_LIMIT_BYTES,
}
# The record that ends a ZIP archive, and the room it and a comment can take (APPNOTE.TXT 4.3.16).
_ZIP_END, _ZIP_TAIL_BYTES = b"PK\5\6", 22 + 65_535


@dataclass(frozen=True, slots=True)
class AdmittedAdapter:
    """What the registry records of an adapter that fits its base model."""

    rank: int
    """The largest of any module: the slot that an engine needs for it."""
    alpha: float
    target_modules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Examined:
    """A folder that may enter, with the digests of the very bytes that were examined."""

    manifest: Manifest
    admitted: AdmittedAdapter


def examine(
    folder: Path,
    *,
    module_shapes: Mapping[str, tuple[int, ...]],
    progress: Progress | None = None,
) -> Examined:
    """Check and hash an adapter's folder in one pass; every file is read once.

    Whoever stores the files afterwards needs no second check if their digests are those of the
    manifest; if not, the folder has changed since.

    Args:
        folder: Holds an adapter's files and nothing else.
        module_shapes: The base model's module table.
        progress: Called as bytes are read.

    Raises:
        AdmissionRefused: with the first rule broken.
    """
    with _opened(folder, progress=progress) as files:
        config_file = files[CONFIG_FILE]
        config = parse_adapter_config(config_file.read(config_file.size_bytes))
        if README_FILE in files:
            _check_text(files[README_FILE])
        if GOLDEN_FILE in files:
            parse_golden(files[GOLDEN_FILE].read(files[GOLDEN_FILE].size_bytes))
        pairs = _examine_weights(files[WEIGHTS_FILE], config, module_shapes=module_shapes)
        entries = [
            FileEntry(name, file.size_bytes, file.digest(), MEDIA_TYPES[name])
            for name, file in files.items()
        ]
    return Examined(Manifest(tuple(entries)), _admitted(config, pairs))


def check_fit(folder: Path, *, module_shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Check once more that an adapter which was taken in fits a base: by its names and shapes.

    Args:
        folder: Holds the adapter's files, whose digests are right.
        module_shapes: The base model's module table.

    Raises:
        AdmissionRefused: with the first rule broken.
        OSError: a file cannot be read.
    """
    config = parse_adapter_config((folder / CONFIG_FILE).read_bytes())
    with (folder / WEIGHTS_FILE).open("rb") as stream:
        size_bytes = os.fstat(stream.fileno()).st_size
        length = header_length(stream.read(LENGTH_BYTES), size_bytes=size_bytes)
        tensors = parse_header(stream.read(length), data_bytes=size_bytes - LENGTH_BYTES - length)
    _check_pairs(lora_pairs(tensors), config, module_shapes=module_shapes)


def open_submitted(folder: Path, name: str) -> BinaryIO:
    """Open one file of an adapter's folder without following a link.

    Raises:
        AdmissionRefused: it is not one of the files an adapter has, or no regular file.
    """
    with _folder(folder) as place:
        return os.fdopen(_descriptor(place, name), "rb")


@contextmanager
def _opened(folder: Path, *, progress: Progress | None) -> Iterator[dict[str, HashedFile]]:
    """All files of the folder, opened before any is read, none larger than it may be."""
    done = total = 0

    def count(size_bytes: int) -> None:
        nonlocal done
        done += size_bytes
        if progress is not None:
            progress(done, total)

    with ExitStack() as stack:
        place = stack.enter_context(_folder(folder))
        files = {}
        for name in _names(place):
            stream = stack.enter_context(os.fdopen(_descriptor(place, name), "rb", buffering=0))
            files[name] = HashedFile(stream, name=name, each=count)
            if files[name].size_bytes > SIZE_LIMITS[name]:
                found = f"{name}: {files[name].size_bytes} bytes"
                raise AdmissionRefused("file-size", found, because=f"at most {SIZE_LIMITS[name]}")
        total = sum(file.size_bytes for file in files.values())
        yield files


@contextmanager
def _folder(folder: Path) -> Iterator[int]:
    """Hold a folder open, so that whatever becomes of its path, it is this folder we look into."""
    try:
        place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = getattr(error, "strerror", None) or "cannot be read"
        raise AdmissionRefused("folder-readable", str(folder), because=reason) from error
    try:
        yield place
    finally:
        os.close(place)


def _names(place: int) -> tuple[str, ...]:
    names = []
    with os.scandir(place) as entries:
        for entry in entries:
            _check_name(entry.name)
            if not entry.is_file(follow_symlinks=False):
                raise AdmissionRefused("file-kind", entry.name, because="not a regular file")
            names.append(entry.name)
    for required in (CONFIG_FILE, WEIGHTS_FILE):
        if required not in names:
            raise AdmissionRefused("file-missing", required, because="an adapter needs this file")
    return tuple(sorted(names))


def _check_name(name: str) -> None:
    """These names and no others: so none that leads elsewhere, or is two names to some system."""
    if name not in MEDIA_TYPES:
        raise AdmissionRefused("file-name", name, because=f"only {', '.join(MEDIA_TYPES)}")


def _descriptor(place: int, name: str) -> int:
    _check_name(name)
    # Not blocking, because a pipe put there in the meantime would hold us for ever.
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY
    try:
        descriptor = os.open(name, flags, dir_fd=place)
    except OSError as error:
        raise AdmissionRefused("file-kind", name, because=error.strerror or "unreadable") from error
    if not S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise AdmissionRefused("file-kind", name, because="not a regular file")
    return descriptor


def _check_text(file: HashedFile) -> None:
    try:
        file.read(file.size_bytes).decode("utf-8")
    except UnicodeDecodeError as error:
        raise AdmissionRefused("file-text", README_FILE, because="not UTF-8") from error


def _examine_weights(
    file: HashedFile, config: AdapterConfig, *, module_shapes: Mapping[str, tuple[int, ...]]
) -> dict[str, LoraPair]:
    length = header_length(file.read(LENGTH_BYTES), size_bytes=file.size_bytes)
    tensors = parse_header(file.read(length), data_bytes=file.size_bytes - LENGTH_BYTES - length)
    pairs = lora_pairs(tensors)
    _check_pairs(pairs, config, module_shapes=module_shapes)
    check_finite(_without_archive(file.chunks()), tensors)
    return pairs


def _without_archive(chunks: Iterable[memoryview]) -> Iterator[memoryview]:
    """Pass a file's last pieces on if no ZIP archive ends in them.

    ZIP is read from a file's end (APPNOTE.TXT 4.3.16), so one file can be this and weights too,
    and whoever unpickles archives would find one here.
    """
    tail = b""
    for chunk in chunks:
        tail = (tail + bytes(chunk[-_ZIP_TAIL_BYTES:]))[-_ZIP_TAIL_BYTES:]
        yield chunk
    if _ZIP_END in tail:
        raise AdmissionRefused("file-archive", WEIGHTS_FILE, because="a ZIP archive ends in it")


def _check_pairs(
    pairs: Mapping[str, LoraPair],
    config: AdapterConfig,
    *,
    module_shapes: Mapping[str, tuple[int, ...]],
) -> None:
    """With a base weight of [out, in], A is [rank, in] and B is [out, rank]."""
    for module, pair in pairs.items():
        shape = module_shapes.get(module)
        if shape is None:
            raise AdmissionRefused("tensor-module", module, because="the base has no such module")
        rank, _ = config.rank_and_scaling(module)
        for side, entry, wanted in (
            ("A", pair.a, (rank, shape[1])),
            ("B", pair.b, (shape[0], rank)),
        ):
            if entry.shape != wanted:
                raise AdmissionRefused(
                    "tensor-shape",
                    f"{module}.lora_{side}: {list(entry.shape)}",
                    because=f"rank {rank} on a weight of {list(shape)} needs {list(wanted)}",
                )


def _admitted(config: AdapterConfig, pairs: Mapping[str, LoraPair]) -> AdmittedAdapter:
    targets = {module.rpartition(".")[2] for module in pairs}
    return AdmittedAdapter(config.max_rank, config.alpha, tuple(sorted(targets)))
