"""A safetensors file from a stranger: its header is checked before anything else reads it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from medley_registry.errors import AdmissionRefused
from medley_registry.safetensors_header import LENGTH_BYTES, TensorEntry, read_header

from medley_training.errors import ContributionRefused

if TYPE_CHECKING:
    from torch import Tensor, dtype

_BYTES = {"F32": 4, "F16": 2, "BF16": 2, "I8": 1, "U8": 1, "U16": 2, "I32": 4}


class PayloadFile:
    """Reads numbers out of any place of a file without reading the rest.

    Args:
        path: A safetensors file.

    Raises:
        ContributionRefused: ``malformed``, if it is none.
        OSError: It cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            with path.open("rb") as stream:
                self.tensors: Mapping[str, TensorEntry] = read_header(stream)
                self._begin = stream.tell()
                stream.seek(LENGTH_BYTES)
                header = stream.read(self._begin - LENGTH_BYTES)
        except AdmissionRefused as error:
            raise ContributionRefused("malformed", str(error)) from error
        self.metadata: Mapping[str, str] = json.loads(header).get("__metadata__", {})

    def read(self, name: str, begin: int = 0, count: int | None = None) -> "Tensor":
        """Numbers of one tensor in the order of the file, shape (count,); all from `begin` on.

        The caller knows that there are so many, and that the dtype is one of those it expected.

        Raises:
            ContributionRefused: ``malformed``, if the file was cut after it was opened.
        """
        import torch

        entry = self.tensors[name]
        each = _BYTES[entry.dtype]
        size_bytes = entry.size_bytes - begin * each if count is None else count * each
        with self._path.open("rb") as stream:
            stream.seek(self._begin + entry.begin + begin * each)
            data = bytearray(stream.read(size_bytes))
        if len(data) != size_bytes:
            raise ContributionRefused("malformed", f"the file ends within {name}")
        return torch.frombuffer(data, dtype=torch_dtype(entry.dtype))


def torch_dtype(name: str) -> "dtype":
    """The dtype of torch for one that safetensors writes, of those that contributions have."""
    import torch

    return {
        "F32": torch.float32,
        "F16": torch.float16,
        "BF16": torch.bfloat16,
        "I8": torch.int8,
        "U8": torch.uint8,
        "U16": torch.uint16,
        "I32": torch.int32,
    }[name]
