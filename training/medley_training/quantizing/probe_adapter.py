"""The adapter that a probe asks for: large enough that no answer stays the same."""

from pathlib import Path

from medley_registry.bases import BaseModel
from medley_registry.registry import Registry

from medley_training.local.base import load_base
from medley_training.local.lora import LoraShape, export, trained_tensors, wrap

NAME = "probe"
_SHAPE = LoraShape(rank=8, alpha=64, target_modules=("o_proj", "down_proj"))


def publish_probe(registry: Registry, base: BaseModel, folder: Path) -> None:
    """Write a random adapter of the base's language model, and publish it."""
    import torch

    model = wrap(load_base(base.path, dtype="float32", device="cpu"), _SHAPE)
    with torch.random.fork_rng():
        torch.manual_seed(2)
        for tensor in trained_tensors(model, frozenset({"B"})).values():
            tensor.normal_()
    export(model, folder, _SHAPE, base_name=base.name)
    registry.publish(folder, name=NAME, base=base.name, actor="medley quantize --probe")
