"""LoRA updates as pairs of thin factors: what participants send and strategies add up.

The update of a module's weight is ``scale * b @ a``. Nothing here or in the strategies forms that
product: at 7B each one would be 64 MB in float32, and there are 64 of them in the smallest adapter.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from medley_training.errors import AdapterNotReadable, IncompatibleAdapter
from medley_training.local.lora import CONFIG_FILE, WEIGHTS_FILE, LoraShape

if TYPE_CHECKING:
    from torch import Tensor

PREFIX = "base_model.model."
A_SUFFIX = ".lora_A.weight"
B_SUFFIX = ".lora_B.weight"


@dataclass(frozen=True, slots=True, eq=False)
class Factors:
    """One module's update, ``scale * b @ a``.

    Attributes:
        a: Shape (rank, inputs).
        b: Shape (outputs, rank).
        scale: ``alpha / rank``, or ``alpha / sqrt(rank)`` with rsLoRA; 1 where it is folded in.
    """

    a: "Tensor"
    b: "Tensor"
    scale: float

    @property
    def rank(self) -> int:
        """The number of columns of `b`."""
        return int(self.a.shape[0])

    @property
    def shape(self) -> tuple[int, int]:
        """The shape (outputs, inputs) of the weight that is updated."""
        return int(self.b.shape[0]), int(self.a.shape[1])


class Adapter(Protocol):
    """An update of several modules, read one module at a time."""

    @property
    def modules(self) -> tuple[str, ...]:
        """The modules' names, sorted: ``model.layers.0.self_attn.q_proj``."""
        ...

    def factors(self, module: str) -> Factors:
        """The update of one module.

        Raises:
            KeyError: There is no such module.
        """
        ...


class TensorAdapter:
    """An adapter in memory."""

    def __init__(self, factors: Mapping[str, Factors]) -> None:
        self._factors = {module: factors[module] for module in sorted(factors)}

    @property
    def modules(self) -> tuple[str, ...]:
        """The modules' names, sorted."""
        return tuple(self._factors)

    def factors(self, module: str) -> Factors:
        """The update of one module."""
        return self._factors[module]


class AdapterFile:
    """An adapter on disk, of which only the module asked for is read.

    Args:
        path: A safetensors file with tensors as PEFT names them.
        shape: What gives the scale; the rank is the file's own, module by module.

    Raises:
        AdapterNotReadable: The file is missing or damaged, or a factor lacks its other half.
    """

    def __init__(self, path: Path, shape: LoraShape) -> None:
        self._path = path
        self._shape = shape
        self._modules = _modules(path)

    @property
    def modules(self) -> tuple[str, ...]:
        """The modules' names, sorted."""
        return self._modules

    def factors(self, module: str) -> Factors:
        """The update of one module, read now."""
        from safetensors import safe_open

        if module not in self._modules:
            raise KeyError(module)
        with safe_open(self._path, framework="pt") as file:
            a = file.get_tensor(f"{PREFIX}{module}{A_SUFFIX}")
            b = file.get_tensor(f"{PREFIX}{module}{B_SUFFIX}")
        return Factors(a, b, self._shape.scale_at(int(a.shape[0])))


def _modules(path: Path) -> tuple[str, ...]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            names = set(file.keys())
    except (OSError, SafetensorError) as error:
        raise AdapterNotReadable(f"{path} holds no adapter that can be read: {error}") from error
    modules = {
        name.removeprefix(PREFIX).removesuffix(suffix)
        for name in names
        for suffix in (A_SUFFIX, B_SUFFIX)
        if name.endswith(suffix)
    }
    expected = {f"{PREFIX}{m}{suffix}" for m in modules for suffix in (A_SUFFIX, B_SUFFIX)}
    if not modules or names != expected:
        odd = ", ".join(sorted(names ^ expected)[:3]) or "no tensor"
        raise AdapterNotReadable(f"{path}: the tensors are not pairs of LoRA factors ({odd})")
    return tuple(sorted(modules))


def tensors_of(adapter: Adapter) -> Iterator[tuple[str, "Tensor"]]:
    """The adapter's tensors by the names they have on disk, sorted; scales are not folded in."""
    for module in adapter.modules:
        factors = adapter.factors(module)
        yield f"{PREFIX}{module}{A_SUFFIX}", factors.a
        yield f"{PREFIX}{module}{B_SUFFIX}", factors.b


def adapter_of(tensors: Mapping[str, "Tensor"], shape: LoraShape) -> TensorAdapter:
    """The adapter of tensors named as on disk.

    Raises:
        IncompatibleAdapter: A factor lacks its other half, or a name is no factor's.
    """
    modules = sorted(
        name.removeprefix(PREFIX).removesuffix(A_SUFFIX)
        for name in tensors
        if name.endswith(A_SUFFIX)
    )
    expected = {f"{PREFIX}{m}{suffix}" for m in modules for suffix in (A_SUFFIX, B_SUFFIX)}
    for name in sorted(tensors.keys() ^ expected):
        raise IncompatibleAdapter(f"{name} is not half of a pair of LoRA factors")
    return TensorAdapter(
        {
            module: Factors(
                tensors[f"{PREFIX}{module}{A_SUFFIX}"],
                tensors[f"{PREFIX}{module}{B_SUFFIX}"],
                shape.scale_at(int(tensors[f"{PREFIX}{module}{A_SUFFIX}"].shape[0])),
            )
            for module in modules
        }
    )


def read_shape(folder: Path) -> LoraShape:
    """The shape that an adapter folder's configuration gives.

    Raises:
        AdapterNotReadable: It has no configuration that can be read.
    """
    try:
        config = json.loads((folder / CONFIG_FILE).read_bytes())
        return LoraShape(
            rank=config["r"],
            alpha=config["lora_alpha"],
            target_modules=tuple(config["target_modules"]),
            use_rslora=config["use_rslora"],
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise AdapterNotReadable(f"no adapter configuration in {folder}: {error}") from error


def write_adapter(adapter: Adapter, folder: Path, shape: LoraShape, *, base_name: str) -> None:
    """Write a PEFT adapter folder in float32; the same factors give the same bytes.

    An adapter whose modules all have one rank other than `shape`'s (an exact stack) is written with
    that rank; its scales are folded into B, so that alpha equals the rank. Where ranks differ from
    module to module, each is padded with zero rows to the largest. The configuration is written
    last: a folder that has one is whole.
    """
    import torch
    from safetensors.torch import save_file

    rank = max(adapter.factors(module).rank for module in adapter.modules)
    written = (
        shape
        if rank == shape.rank
        else LoraShape(rank=rank, alpha=rank, target_modules=shape.target_modules)
    )
    tensors = {
        name: tensor.to(torch.float32).contiguous()
        for module in adapter.modules
        for name, tensor in _on_disk(module, adapter.factors(module), written)
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CONFIG_FILE).unlink(missing_ok=True)
    save_file(tensors, folder / WEIGHTS_FILE, metadata={"format": "pt"})
    text = json.dumps(written.config(base_name=base_name), indent=2, sort_keys=True)
    (folder / CONFIG_FILE).write_text(text + "\n", encoding="utf-8")


def _on_disk(module: str, factors: Factors, written: LoraShape) -> Iterator[tuple[str, "Tensor"]]:
    from torch.nn.functional import pad

    missing = written.rank - factors.rank
    b = factors.b
    if factors.scale != written.scale:
        b = b * (factors.scale / written.scale)
    yield f"{PREFIX}{module}{A_SUFFIX}", pad(factors.a, (0, 0, 0, missing))
    yield f"{PREFIX}{module}{B_SUFFIX}", pad(b, (0, missing))
