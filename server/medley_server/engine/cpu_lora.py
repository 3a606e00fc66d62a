"""Right and fast LoRA on vLLM's CPU backend, as a drop-in for vLLM's own wrapper.

vLLM's `PunicaWrapperCPU` (0.32.0) gathers one copy of an adapter's weights per token and uses the
token's slot as a plain tensor index. A row of the base model has slot -1, which indexes the *last*
slot, so it is answered with another request's adapter. `docs/cpu-lora.md` has the reproduction and
the figures; `packed_lora` has the arithmetic used here instead.
"""

import time
from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from vllm import _custom_ops as ops
from vllm.lora.punica_wrapper.punica_cpu import PunicaWrapperCPU

from medley_server.engine.packed_lora import (
    BatchRows,
    PackedAdapters,
    Product,
    add_adapters,
    plain_product,
)
from medley_server.engine.packed_module import Epochs, PackedModule


def onednn_product(weight: torch.Tensor) -> Product:
    """The product with a prepacked copy of `weight`; half the overhead of torch's for few rows."""
    if not ops._supports_onednn:
        return plain_product(weight)
    return partial(ops.onednn_mm, ops.create_onednn_mm(weight), bias=None)


# The signatures below are vLLM's.
# ruff: noqa: PLR0917
class MedleyPunicaCPU(PunicaWrapperCPU):  # type: ignore[misc]  # vllm is Any to mypy
    """The wrapper the platform plugin gives vLLM; one per engine, shared by its LoRA layers.

    Attributes:
        epochs: how often each slot was written, where somebody counts (`adapter_staging`).
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._token_rows = BatchRows.of(torch.empty(0, dtype=torch.long))
        self._sampled_rows = self._token_rows
        self.epochs: Epochs | None = None
        self._modules: dict[int, PackedModule] = {}
        self._written: dict[int, tuple[int, torch.Tensor, bool]] = {}

    def update_metadata(self, mapping: Any, *args: Any, **kwargs: Any) -> None:
        """Called by vLLM when the batch's adapters or the contents of the slots changed."""
        self._update_base_metadata(mapping, *args, **kwargs)
        self._token_rows = BatchRows.of(self.token_lora_indices)
        self._sampled_rows = BatchRows.of(self.sampler_indices)

    def add_lora_linear(
        self,
        y: torch.Tensor,
        x: torch.Tensor,
        lora_a_stacked: tuple[torch.Tensor, ...],
        lora_b_stacked: tuple[torch.Tensor, ...],
        scale: float,
        output_slices: tuple[int, ...],
        **kwargs: Any,
    ) -> None:
        """Adds each token's adapter to a linear layer's output, in place.

        `scale` is always 1 here: vLLM folds alpha / r into B when it loads an adapter.
        """
        rows = self._token_rows
        if rows.adapter_runs and (
            packed := self._pack(lora_a_stacked, lora_b_stacked, x.dtype, rows)
        ):
            add_adapters(y, x, packed, rows)

    def add_lora_logits(
        self,
        y: torch.Tensor,
        x: torch.Tensor,
        lora_a_stacked: torch.Tensor,
        lora_b_stacked: torch.Tensor,
        scale: float,
        **kwargs: Any,
    ) -> None:
        """Adds the adapters to the logits; the rows are the sampled positions."""
        rows = self._sampled_rows
        outputs = lora_b_stacked.shape[-2]
        if rows.adapter_runs and (
            packed := self._pack((lora_a_stacked,), (lora_b_stacked,), x.dtype, rows)
        ):
            logits = y.view(-1, y.shape[-1])[:, :outputs]
            add_adapters(logits, x.view(-1, x.shape[-1]), packed, rows)

    def add_lora_embedding(
        self, y: torch.Tensor, x: torch.Tensor, lora_b_stacked: torch.Tensor, **kwargs: Any
    ) -> None:
        """Adds B alone: `x` holds each token's embedding by its own adapter's A."""
        if self._has_weights(lora_b_stacked):
            self.add_expand(y, (x,), (lora_b_stacked,), (lora_b_stacked.shape[-2],))

    def add_shrink(
        self,
        y: Sequence[torch.Tensor] | torch.Tensor,
        x: torch.Tensor,
        lora_a_stacked: tuple[torch.Tensor, ...],
        scale: float,
        **kwargs: Any,
    ) -> None:
        """Adds x @ A to one buffer per output slice (tensor parallel, fully sharded adapters)."""
        for run in self._token_rows.adapter_runs:
            inputs = x.view(-1, x.shape[-1])[run.start : run.end]
            for piece, a in enumerate(lora_a_stacked):
                y[piece][run.start : run.end] += (inputs @ a[run.slot, 0].t()) * scale

    def add_expand(
        self,
        y: torch.Tensor,
        x: Sequence[torch.Tensor] | torch.Tensor,
        lora_b_stacked: tuple[torch.Tensor, ...],
        output_slices: tuple[int, ...],
        offset_start: int = 0,
        **kwargs: Any,
    ) -> None:
        """Adds buffer @ B to each output slice (embeddings; fully sharded adapters)."""
        flat = y.view(-1, y.shape[-1])
        for run in self._token_rows.adapter_runs:
            offset = offset_start
            for piece, (b, size) in enumerate(zip(lora_b_stacked, output_slices, strict=True)):
                inputs = x[piece][run.start : run.end].to(b.dtype)
                flat[run.start : run.end, offset : offset + size] += inputs @ b[run.slot, 0].t()
                offset += size

    def _has_weights(self, b_stacked: torch.Tensor) -> bool:
        known = self._written.get(id(b_stacked))
        if known is None or known[0] != b_stacked._version:
            known = (b_stacked._version, b_stacked, bool(b_stacked.any()))
            self._written[id(b_stacked)] = known
        return known[2]

    def settle(self, budget_s: float) -> bool:
        """Packs what was written and no batch has needed yet, for about so long.

        Returns:
            Whether there is more to do.
        """
        deadline = time.perf_counter() + budget_s
        if (epochs := self.epochs) is None:
            return False
        for module in self._modules.values():
            if module.settle(epochs) and time.perf_counter() > deadline:
                return True
        return False

    def _pack(
        self,
        a_stacked: tuple[torch.Tensor, ...],
        b_stacked: tuple[torch.Tensor, ...],
        dtype: torch.dtype,
        rows: BatchRows,
    ) -> PackedAdapters | None:
        # The module keeps the tensor alive, so that its id stays its own.
        if (module := self._modules.get(id(a_stacked[0]))) is None:
            module = PackedModule(
                a_stacked, b_stacked, dtype, onednn_product, place=len(self._modules)
            )
            self._modules[id(a_stacked[0])] = module
        return module.packed(rows.used, self.epochs)
