"""Transformers with PEFT and bitsandbytes under the same load: what a server without vLLM does.

A process of its own (``python -m medley_training.benchmarks.transformers_lane``), so that its
memory is its own. It reads orders from stdin, an object a line, and answers each with a line:

    {"do": "load", "folder", "quantization": "none" | "nf4", "adapters": {name: folder}}
    {"do": "run", "prompts": [[token, …], …], "models": [name or null, …], "output_tokens",
     "concurrency"}

Requests are answered in batches as large as the load's concurrency: the next batch begins when the
last one has ended, for `generate` takes nobody in meanwhile.
"""

import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medley_training.local.base import load_base
from medley_training.local.nf4 import quiet_bitsandbytes

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_BASE = "__base__"
"""What PEFT calls no adapter in a mixed batch."""


class TransformersModel:
    """One form of a base, perhaps with adapters."""

    def __init__(self, folder: Path, quantization: Any, adapters: Mapping[str, Path]) -> None:
        self._model: Any = load_base(folder, quantization=quantization, for_training=False)
        self._model.generation_config.eos_token_id = None
        self._model.generation_config.pad_token_id = 0
        if adapters:
            self._model = _with_adapters(self._model, adapters)
        self._model.eval()
        sizes = [(name, _size(tensor)) for name, tensor in _tensors(self._model)]
        self.lora_bytes = sum(size for name, size in sizes if "lora_" in name)
        self.weights_bytes = sum(size for _, size in sizes) - self.lora_bytes
        self.kv_bytes = 0

    def answer(
        self, prompts: Sequence[Sequence[int]], models: Sequence[str | None], wanted: int
    ) -> list[float]:
        """When each token of this batch came, on the clock of `time.perf_counter`."""
        import torch
        from transformers import StoppingCriteriaList

        device = self._model.device
        clock = _Clock(is_cuda=device.type == "cuda")
        more: dict[str, Any] = {}
        if self.lora_bytes:
            more = self._choose(models)
        tokens = torch.tensor(prompts, device=device)
        with torch.inference_mode():
            made = self._model.generate(
                input_ids=tokens,
                attention_mask=torch.ones_like(tokens),
                do_sample=False,
                max_new_tokens=wanted,
                min_new_tokens=wanted,
                stopping_criteria=StoppingCriteriaList([clock]),
                return_dict_in_generate=True,
                **more,
            )
        self.kv_bytes = max(self.kv_bytes, _cache_bytes(made.past_key_values))
        return clock.times

    def _choose(self, models: Sequence[str | None]) -> dict[str, Any]:
        """One adapter is switched to; several in a batch are PEFT's mixed batch."""
        names = {model or _BASE for model in models}
        if len(names) == 1 and _BASE not in names:
            self._model.set_adapter(next(iter(names)))
            return {}
        return {"adapter_names": [model or _BASE for model in models]}


class _Clock:
    """A stopping criterion that never stops: it is asked after each token."""

    def __init__(self, *, is_cuda: bool) -> None:
        self._is_cuda = is_cuda
        self.times: list[float] = []

    def __call__(self, input_ids: Any, scores: Any, **_: Any) -> Any:
        import torch

        if self._is_cuda:
            torch.cuda.synchronize()
        self.times.append(time.perf_counter())
        return torch.zeros(input_ids.shape[0], dtype=torch.bool, device=input_ids.device)


def _with_adapters(model: "PreTrainedModel", adapters: Mapping[str, Path]) -> Any:
    with quiet_bitsandbytes():
        from peft import PeftModel

        (first, folder), *rest = adapters.items()
        wrapped = PeftModel.from_pretrained(model, folder, adapter_name=first)
        for name, each in rest:
            wrapped.load_adapter(each, adapter_name=name)
    return wrapped


def _tensors(model: Any) -> list[tuple[str, Any]]:
    return [*model.named_parameters(), *model.named_buffers()]


def _cache_bytes(cache: Any) -> int:
    layers = getattr(cache, "layers", [])
    return sum(map(_size, (part for layer in layers for part in (layer.keys, layer.values))))


def _size(tensor: Any) -> int:
    """Bytes of a tensor, and of the scales that bitsandbytes keeps beside a packed one."""
    own = int(tensor.numel() * tensor.element_size())
    if (state := getattr(tensor, "quant_state", None)) is None:
        return own
    nested = getattr(state, "state2", None)
    scales = [state.absmax, *([nested.absmax] if nested is not None else [])]
    return own + sum(int(scale.numel() * scale.element_size()) for scale in scales)


class _Process:
    """Carries out orders."""

    def __init__(self) -> None:
        self._model: TransformersModel | None = None

    def carry_out(self, order: dict[str, Any]) -> dict[str, Any]:
        if order["do"] == "load":
            adapters = {name: Path(folder) for name, folder in order["adapters"].items()}
            self._model = TransformersModel(Path(order["folder"]), order["quantization"], adapters)
            return {"ready": True}
        return self._run(order)

    def _run(self, order: dict[str, Any]) -> dict[str, Any]:
        from medley_training.benchmarks.process_memory import ProcessMemory

        model = self._model
        assert model is not None
        memory = ProcessMemory(self._device())
        prompts, models, batch = order["prompts"], order["models"], order["concurrency"]
        began = time.perf_counter()
        answers = []
        for at in range(0, len(prompts), batch):
            sent_s = time.perf_counter() - began
            some = slice(at, at + batch)
            times = model.answer(prompts[some], models[some], order["output_tokens"])
            since = [moment - began for moment in times]
            answers += [{"sent_s": sent_s, "token_times_s": since}] * len(prompts[some])
        wall_s = time.perf_counter() - began
        told = memory.told(
            weights=model.weights_bytes, lora_slots=model.lora_bytes, kv_cache=model.kv_bytes
        )
        return {"answers": answers, "wall_s": wall_s, "memory_bytes": told}

    @staticmethod
    def _device() -> str:
        import torch

        return "cuda" if torch.cuda.is_available() else "cpu"


def main() -> None:
    """Answers orders until stdin ends."""
    # Libraries print; what they print must not get among the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    process = _Process()
    for line in sys.stdin:
        answers.write(json.dumps(process.carry_out(json.loads(line))) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
