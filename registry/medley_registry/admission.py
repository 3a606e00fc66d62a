"""What may enter the registry as an adapter: three plain files, checked before anything loads them.

A refusal names its rule and the offending value. Rules here: ``folder-*`` and ``file-*`` for what
lies in the folder, ``tensor-*`` for how the tensors fit the base model; those of the other files
are listed in `medley_registry.adapter_config` and `medley_registry.safetensors_header`.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG
from typing import BinaryIO

from medley_registry.adapter_config import CONFIG_LIMIT_BYTES, parse_adapter_config
from medley_registry.errors import AdmissionRefused
from medley_registry.safetensors_header import TensorEntry, read_header

CONFIG_FILE = "adapter_config.json"
WEIGHTS_FILE = "adapter_model.safetensors"
MEDIA_TYPES = {
    CONFIG_FILE: "application/json",
    WEIGHTS_FILE: "application/vnd.safetensors",
    "README.md": "text/markdown",
}
_PREFIX = "base_model.model."
_FLOATS = frozenset({"BF16", "F16", "F32"})

FileOpener = Callable[[str], BinaryIO]


@dataclass(frozen=True, slots=True)
class AdmittedAdapter:
    """What the registry records of an adapter that fits its base model."""

    rank: int
    alpha: float
    target_modules: tuple[str, ...]


def submitted_files(folder: Path) -> tuple[str, ...]:
    """The names in an adapter's folder, sorted, if they are just those that may be there.

    Raises:
        AdmissionRefused: something else lies there, or something is missing.
    """
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        raise AdmissionRefused(
            "folder-readable", str(folder), because=error.strerror or "cannot be read"
        ) from error
    for entry in entries:
        if entry.name not in MEDIA_TYPES:
            raise AdmissionRefused(
                "file-name", entry.name, because=f"only {', '.join(MEDIA_TYPES)}"
            )
        if not entry.is_file(follow_symlinks=False):
            raise AdmissionRefused("file-kind", entry.name, because="not a regular file")
    names = tuple(entry.name for entry in entries)
    for required in (CONFIG_FILE, WEIGHTS_FILE):
        if required not in names:
            raise AdmissionRefused("file-missing", required, because="an adapter needs this file")
    return names


def open_submitted(folder: Path, name: str) -> BinaryIO:
    """Open one file of an adapter's folder without following a link.

    Raises:
        AdmissionRefused: it is no regular file.
    """
    try:
        # Not blocking, because a pipe put there in the meantime would hold us for ever.
        descriptor = os.open(folder / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise AdmissionRefused("file-kind", name, because=error.strerror or "unreadable") from error
    if not S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise AdmissionRefused("file-kind", name, because="not a regular file")
    return os.fdopen(descriptor, "rb")


def admit(
    open_file: FileOpener, *, module_shapes: Mapping[str, tuple[int, ...]]
) -> AdmittedAdapter:
    """Check an adapter's configuration and tensors against its base model's module table.

    Raises:
        AdmissionRefused: with the first rule broken.
    """
    with open_file(CONFIG_FILE) as stream:
        config = parse_adapter_config(stream.read(CONFIG_LIMIT_BYTES + 1))
    with open_file(WEIGHTS_FILE) as stream:
        tensors = read_header(stream)
    modules = _modules(tensors)
    for module, sides in modules.items():
        shape = module_shapes.get(module)
        if shape is None:
            raise AdmissionRefused("tensor-module", module, because="the base has no such module")
        _check_shapes(module, sides, shape=shape, rank=config.rank)
    targets = {module.rpartition(".")[2] for module in modules}
    return AdmittedAdapter(config.rank, config.alpha, tuple(sorted(targets)))


def _modules(tensors: dict[str, TensorEntry]) -> dict[str, dict[str, TensorEntry]]:
    """Tensors by the base's module, each with its side A or B."""
    if not tensors:
        raise AdmissionRefused("tensor-none", "no tensor", because="the adapter is empty")
    modules: dict[str, dict[str, TensorEntry]] = {}
    for name, entry in tensors.items():
        module, _, side = name.removesuffix(".weight").removeprefix(_PREFIX).rpartition(".lora_")
        if side not in ("A", "B") or name != f"{_PREFIX}{module}.lora_{side}.weight":
            raise AdmissionRefused(
                "tensor-name", name, because=f"'{_PREFIX}<module>.lora_A.weight' or lora_B"
            )
        if entry.dtype not in _FLOATS:
            raise AdmissionRefused(
                "tensor-dtype", f"{name}: {entry.dtype}", because=f"one of {sorted(_FLOATS)}"
            )
        modules.setdefault(module, {})[side] = entry
    return modules


def _check_shapes(
    module: str, sides: dict[str, TensorEntry], *, shape: tuple[int, ...], rank: int
) -> None:
    """With a base weight of [out, in], A is [rank, in] and B is [out, rank]."""
    expected = {"A": (rank, shape[1]), "B": (shape[0], rank)}
    for side, wanted in expected.items():
        if side not in sides:
            raise AdmissionRefused(
                "tensor-pair", f"{module}.lora_{side}", because="A and B come in pairs"
            )
        if sides[side].shape != wanted:
            raise AdmissionRefused(
                "tensor-shape",
                f"{module}.lora_{side}: {list(sides[side].shape)}",
                because=f"rank {rank} on a weight of {list(shape)} needs {list(wanted)}",
            )
