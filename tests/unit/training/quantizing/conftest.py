"""A registry with a tiny base and one adapter version."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from medley_registry import BaseModel, Registry, Version, open_registry
from medley_training.local.base import load_base
from medley_training.local.lora import LoraShape, export, trained_tensors, wrap
from medley_training.quantizing.tiny_architectures import save_tiny

SHAPE = LoraShape(rank=4, alpha=8, target_modules=("q_proj", "v_proj", "down_proj"))


@dataclass(frozen=True, slots=True)
class Stock:
    """What the tests quantize."""

    registry: Registry
    base: BaseModel
    version: Version
    home: Path


@pytest.fixture(scope="session")
def tiny_llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bases") / "tiny"
    save_tiny("llama", folder)
    return folder


@pytest.fixture(scope="session")
def tiny_adapter(tiny_llama: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An adapter that changes every answer."""
    import torch

    model = wrap(load_base(tiny_llama, dtype="float32", device="cpu"), SHAPE)
    with torch.random.fork_rng():
        torch.manual_seed(1)
        for tensor in trained_tensors(model, frozenset({"B"})).values():
            tensor.normal_(std=0.1)
    folder = tmp_path_factory.mktemp("adapters") / "shift"
    export(model, folder, SHAPE, base_name="tiny")
    return folder


@pytest.fixture
def stock(tmp_path: Path, tiny_llama: Path, tiny_adapter: Path) -> Iterator[Stock]:
    with open_registry(tmp_path / "registry", create=True) as registry:
        base = registry.add_base("tiny", tiny_llama, actor="test")
        version = registry.publish(tiny_adapter, name="shift", base="tiny", actor="test")
        yield Stock(registry, base, version, tmp_path)
