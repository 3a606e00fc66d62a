"""Small adapters with every awkwardness: an odd number of elements, blocks that end short."""

from typing import TYPE_CHECKING

from medley_training.factors import TensorAdapter, adapter_of, tensors_of
from medley_training.local.lora import LoraShape

if TYPE_CHECKING:
    from torch import Tensor

SHAPE = LoraShape(rank=3, alpha=6)
SIZES = {"layers.0.q_proj": (5, 7), "layers.1.q_proj": (31, 45), "layers.10.v_proj": (9, 33)}


def drawn_tensors(seed: int, *, scale: float = 1.0) -> "dict[str, Tensor]":
    import torch

    generator = torch.Generator().manual_seed(seed)
    tensors = {}
    for module, (outputs, inputs) in SIZES.items():
        for factor, shape in (("A", (3, inputs)), ("B", (outputs, 3))):
            name = f"base_model.model.{module}.lora_{factor}.weight"
            tensors[name] = scale * torch.randn(shape, generator=generator)
    return tensors


def start_adapter() -> TensorAdapter:
    return adapter_of(drawn_tensors(0), SHAPE)


def start_tensors() -> "dict[str, Tensor]":
    return dict(tensors_of(start_adapter()))


def only(tensors: "dict[str, Tensor]", factor: str) -> "dict[str, Tensor]":
    return {name: tensor for name, tensor in tensors.items() if f".lora_{factor}." in name}
