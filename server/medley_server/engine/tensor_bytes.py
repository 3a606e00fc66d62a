"""How many bytes tensors hold, wherever an engine keeps them."""

from collections.abc import Iterable, Iterator
from types import FunctionType
from typing import Any

import torch

_DEEPEST = 6

Storages = dict[int, int]
"""Bytes by address, each memory once, however many tensors look into it."""


def storages(tensors: Iterable[torch.Tensor]) -> Storages:
    """The memory behind the tensors."""
    found = [tensor.untyped_storage() for tensor in tensors]
    return {storage.data_ptr(): storage.nbytes() for storage in found if storage.nbytes()}


def contents(value: Any, depth: int = _DEEPEST) -> Iterator[Any]:
    """The value and what it holds: items, a tensor's attributes, what a function closes over.

    Engines keep what they made of a weight in places that are no parameters: bitsandbytes its
    statistics as attributes of the weight, oneDNN its packed copy behind a function of the layer.
    """
    yield value
    if depth:
        for inner in _parts(value):
            yield from contents(inner, depth - 1)


def _parts(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return list(value.values())
    if isinstance(value, list | tuple):
        return value
    if isinstance(value, FunctionType):
        return [cell.cell_contents for cell in value.__closure__ or ()]
    is_known = isinstance(value, torch.Tensor) or type(value).__module__.startswith("bitsandbytes.")
    return list(vars(value).values()) if is_known and hasattr(value, "__dict__") else []
