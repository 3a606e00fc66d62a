"""A PEFT adapter as others keep it: in a folder or repository with other files around it."""

from collections.abc import Collection
from pathlib import PurePosixPath

from medley_registry.admission import CONFIG_FILE, SIZE_LIMITS, WEIGHTS_FILE
from medley_registry.errors import AdmissionRefused

# What torch, numpy and joblib write with pickle inside, whatever they call it.
_PICKLES = frozenset({".bin", ".ckpt", ".joblib", ".npy", ".npz", ".pickle", ".pkl", ".pt", ".pth"})


def check_layout(names: Collection[str]) -> None:
    """Whether there is an adapter, in the one format that may enter.

    Files that no registry takes, such as a trainer's own, may lie around it; they are never opened.

    Raises:
        AdmissionRefused: by rule ``file-pickle`` or ``file-missing``.
    """
    weights = PurePosixPath(WEIGHTS_FILE).stem
    pickles = [
        name
        for name in sorted(names)
        if PurePosixPath(name).suffix in _PICKLES
        and (PurePosixPath(name).stem == weights or WEIGHTS_FILE not in names)
    ]
    if pickles:
        raise AdmissionRefused(
            "file-pickle",
            pickles[0],
            because="a pickle runs code when it is loaded; save the adapter as safetensors",
        )
    for required in (CONFIG_FILE, WEIGHTS_FILE):
        if required not in names:
            raise AdmissionRefused("file-missing", required, because="an adapter needs this file")


def adapter_files(names: Collection[str]) -> list[str]:
    """Those of the names that belong to the adapter."""
    return sorted(SIZE_LIMITS.keys() & set(names))
