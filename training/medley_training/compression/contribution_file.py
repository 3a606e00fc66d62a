"""The file that a site sends: what it trained, or in fewer bytes, by how much that changed.

With codec ``none`` the file holds the trained tensors themselves, float32, named as PEFT names
them. With any other it holds the encoded difference to the start that the coordinator handed out
(`medley_training.compression.layout`). Factors that were not trained are not in it. The one entry
of its metadata names the codec.

A file comes from a stranger. Names, dtypes and shapes are checked when it is opened, every number
before it is used.
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from medley_registry.durable import replace_file

from medley_training.compression.codec import NO_CODEC
from medley_training.compression.codec import codec as codec_named
from medley_training.compression.deltas import encode
from medley_training.compression.finite import require_finite
from medley_training.compression.layout import Layout, factors_in, shapes_of, tensor_name
from medley_training.compression.payload_file import PayloadFile
from medley_training.errors import ContributionRefused
from medley_training.factors import Adapter, Factors
from medley_training.local.lora import Factor, LoraShape, factor_of
from medley_training.strategies.gram import change_products

if TYPE_CHECKING:
    from torch import Tensor

_SHOWN = 120  # of names that a stranger chose


def write_contribution(
    path: Path,
    trained: "Mapping[str, Tensor]",
    start: "Mapping[str, Tensor]",
    codec: str,
    feedback: "Mapping[str, Tensor] | None",
) -> "dict[str, Tensor] | None":
    """Write a contribution; the same tensors give the same bytes.

    Args:
        path: The file to write; one that is there is replaced at once or not at all.
        trained: The trained factors of all modules, by their names on disk.
        start: What the training started from, with at least the same names.
        codec: A codec's name.
        feedback: What the last contribution failed to send; None in a site's first round.

    Returns:
        What this one fails to send, for the next; None where all is sent.

    Raises:
        RecipeError: There is no such codec.
    """
    import torch
    from safetensors.torch import save

    if codec == NO_CODEC:
        payload, rest = {name: t.to(torch.float32).cpu() for name, t in trained.items()}, None
    else:
        deltas = {
            name: tensor.cpu().float() - start[name].cpu().float()
            for name, tensor in trained.items()
        }
        payload, rest = encode(deltas, codec_named(codec), feedback)
    whole = {name: tensor.contiguous() for name, tensor in payload.items()}
    replace_file(path, save(whole, metadata={"codec": codec}))
    return rest


class ContributionFile:
    """A contribution as an adapter, of which only the module asked for is read and decoded.

    Args:
        path: The file.
        start: What the site trained from. It gives the shapes, is what deltas are added to, and has
            the factors that were not trained. All of it is read once here, so hold it in memory
            where many contributions are opened.
        shape: What gives the scale.
        codec: The codec that the site was asked to use.

    Raises:
        ContributionRefused: ``malformed``, ``wrong_shape``; when a module is read also
            ``not_finite``.
    """

    def __init__(self, path: Path, start: Adapter, shape: LoraShape, codec: str) -> None:
        self._start = start
        self._scale_at = shape.scale_at
        payload = PayloadFile(path)
        if payload.metadata != {"codec": codec}:
            raise ContributionRefused(
                "malformed", f"its metadata does not say codec {codec!r} alone"
            )
        reader = _PlainTensors if codec == NO_CODEC else _EncodedTensors
        self._reader = reader(payload, start, codec)

    @property
    def modules(self) -> tuple[str, ...]:
        """The start's modules."""
        return self._start.modules

    @property
    def trained(self) -> frozenset[Factor]:
        """The factors that the file holds."""
        return self._reader.trained

    def factors(self, module: str) -> Factors:
        """The update of one module after the site's training, read now, float32.

        Raises:
            KeyError: There is no such module.
            ContributionRefused: ``malformed`` or ``not_finite``: a number cannot be used.
        """
        start = self._start.factors(module)
        a = self._tensor(module, "A", start.a)
        b = self._tensor(module, "B", start.b)
        return Factors(a, b, self._scale_at(start.rank))

    def _tensor(self, module: str, factor: Factor, start: "Tensor") -> "Tensor":
        if factor not in self._reader.trained:
            return start
        name = tensor_name(module, factor)
        return require_finite(self._reader.tensor(name, start.float()), name)


def check_contribution(
    path: Path,
    start: Adapter,
    shape: LoraShape,
    codec: str,
    *,
    trains: frozenset[Factor],
    max_norm: float,
) -> float:
    """Look at every number of a contribution and give back the norm of its whole change.

    The norm is Frobenius', of ``s B A - s Bg Ag`` over all modules together, where ``Bg Ag`` is the
    start; the products are never formed. The change of the factors themselves keeps to the same
    bound: a large A beside a small B is a small update, but no small share in a mean of factors.

    Raises:
        ContributionRefused: ``malformed``, ``wrong_shape``, ``not_finite``, or ``absurd_norm``
            where a norm is above `max_norm`.
    """
    contribution = ContributionFile(path, start, shape, codec)
    if contribution.trained != trains:
        found, asked = ("".join(sorted(each)) for each in (contribution.trained, trains))
        raise ContributionRefused("malformed", f"it trained {found}, asked was {asked}")
    _require_norm(_squared_change(contribution, start), max_norm, "factors")
    squared = float(change_products(start, [contribution])[0, 0])
    return _require_norm(squared, max_norm, "update")


def _require_norm(squared: float, max_norm: float, of: str) -> float:
    """The root, if it is a number within bounds; rounding can leave a nothing below zero."""
    norm = math.sqrt(squared) if squared > 0 else 0 * squared
    if not norm <= max_norm:
        detail = f"the change of the {of} has norm {norm:.4g}, at most {max_norm}"
        raise ContributionRefused("absurd_norm", detail)
    return norm


def _squared_change(contribution: ContributionFile, start: Adapter) -> float:
    """``|A - Ag|^2 + |B - Bg|^2`` over all modules."""
    total = 0.0
    for module in contribution.modules:
        after, before = contribution.factors(module), start.factors(module)
        for change in (after.a.double() - before.a, after.b.double() - before.b):
            total += float(change.square().sum())
    return total


class _PlainTensors:
    """The tensors of a file without codec."""

    def __init__(self, payload: PayloadFile, start: Adapter, codec: str) -> None:
        del codec
        self._payload = payload
        shapes = shapes_of(start)
        self.trained = frozenset(factor for n in payload.tensors if (factor := factor_of(n)))
        expected = {name for name in shapes if factor_of(name) in self.trained}
        _require_names(payload, expected)
        for name in sorted(expected):
            entry = payload.tensors[name]
            if entry.dtype != "F32":
                raise ContributionRefused("malformed", f"{name} is {entry.dtype}, expected F32")
            if entry.shape != shapes[name]:
                raise ContributionRefused(
                    "wrong_shape", f"{name} is {entry.shape}, expected {shapes[name]}"
                )

    def tensor(self, name: str, start: "Tensor") -> "Tensor":
        return self._payload.read(name).view(start.shape)


class _EncodedTensors:
    """The tensors of a file of encoded deltas."""

    def __init__(self, payload: PayloadFile, start: Adapter, codec: str) -> None:
        self._payload = payload
        self._codec = codec_named(codec)
        self.trained = factors_in(list(payload.tensors))
        shapes = shapes_of(start)
        self._layout = Layout(
            {name: shape for name, shape in shapes.items() if factor_of(name) in self.trained},
            self._codec,
        )
        _require_names(payload, set(self._layout.lengths))
        for name, length in self._layout.lengths.items():
            entry, dtype = payload.tensors[name], self._layout.dtypes[name]
            if entry.dtype != dtype:
                raise ContributionRefused("malformed", f"{name} is {entry.dtype}, expected {dtype}")
            if entry.shape != (length,):
                raise ContributionRefused(
                    "wrong_shape", f"{name} is {entry.shape}, expected {(length,)}"
                )

    def tensor(self, name: str, start: "Tensor") -> "Tensor":
        parts = {
            part: self._payload.read(place.name, place.begin, place.count)
            for part, place in self._layout.places(name).items()
        }
        return start + self._codec.decode(parts, start.numel()).view(start.shape)


def _require_names(payload: PayloadFile, expected: set[str]) -> None:
    odd = sorted(payload.tensors.keys() ^ expected)
    if odd or not expected:
        shown = repr(odd)[:_SHOWN]
        raise ContributionRefused("malformed", f"not the tensors of one or both factors: {shown}")
