"""What a worker process of vLLM says of its memory.

It is part of what vLLM mixes into its worker (`worker_extension`).
"""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from vllm._custom_ops import CPUDNNLGEMMHandler
from vllm.lora.layers.base import BaseLayerWithLoRA
from vllm.model_executor.layers.linear import LinearBase
from vllm.utils.import_utils import import_pynvml

from medley_server.engine.device_meter import DeviceMeter
from medley_server.engine.process_meter import ProcessMeter
from medley_server.engine.tensor_bytes import contents, storages


class MemoryProbe:
    """Mixed into vLLM's worker; every name begins with medley_, so that none is taken."""

    model_runner: Any

    def medley_memory(self, reset_peak: bool) -> dict[str, int | None]:
        """Bytes of this worker by what they are for, and its process; see `EngineMemory`."""
        runner = self.model_runner
        parts = ModelParts.of(runner.model, runner.kv_caches, runner.model_config.dtype.itemsize)
        meter = _meter()
        answer = {
            "weights": parts.weights,
            "lora_slots": parts.lora_slots,
            "kv_cache": parts.kv_cache,
            "activation": meter.activation(parts.weights + parts.lora_slots + parts.kv_cache),
            "total": meter.total(),
            "pid": os.getpid(),
        }
        if reset_peak:
            meter.reset_peak()
        return answer

    def medley_kernel(self) -> str | None:
        """The class that multiplies with the weights of the first linear layer."""
        for module in self.model_runner.model.modules():
            if isinstance(module, LinearBase) and module.quant_method is not None:
                method = module.quant_method
                return type(getattr(method, "kernel", method)).__name__
        return None


@dataclass(frozen=True, slots=True)
class ModelParts:
    """Bytes of a loaded model.

    Attributes:
        weights: parameters, buffers, and what the engine keeps beside them, oneDNN's copies too.
        lora_slots: the slots for adapters.
        kv_cache: keys and values.
    """

    weights: int
    lora_slots: int
    kv_cache: int

    @classmethod
    def of(cls, model: Any, kv_caches: Iterable[Any], item_bytes: int) -> "ModelParts":
        """Sorts what the model's modules hold; unpacked numbers have `item_bytes` each."""
        kv_cache = storages(_tensors(contents(list(kv_caches))))
        lora_slots = storages(_tensors(_slots(model)))
        held = [one for module in model.modules() for one in contents(_own(module))]
        packed = {id(one): one for one in held if isinstance(one, CPUDNNLGEMMHandler)}
        weights = storages(_tensors(held))
        others = kv_cache.keys() | lora_slots.keys()
        return cls(
            weights=sum(weights[at] for at in weights.keys() - others)
            + sum(one.n * one.k for one in packed.values()) * item_bytes,
            lora_slots=sum(lora_slots.values()),
            kv_cache=sum(kv_cache.values()),
        )


def _own(module: Any) -> dict[str, Any]:
    """A module's attributes without the modules in it."""
    return {name: value for name, value in vars(module).items() if name != "_modules"}


def _slots(model: Any) -> Iterator[Any]:
    for module in model.modules():
        if isinstance(module, BaseLayerWithLoRA):
            for name, value in vars(module).items():
                if "_stacked" in name:
                    yield from contents(value)


def _tensors(values: Iterable[Any]) -> Iterator[torch.Tensor]:
    return (value for value in values if isinstance(value, torch.Tensor))


@cache
def _meter() -> ProcessMeter | DeviceMeter:
    if not torch.cuda.is_available():
        return ProcessMeter()
    return DeviceMeter(torch.cuda, import_pynvml())
