"""Loading an adapter in pieces that fit between the steps of a worker of vLLM.

VLLM loads one in a single call, for whose length no request gets a token. Here its files are read
in a thread beside the steps, and what the CPU's arithmetic prepares (`packed_module`) is done a few
milliseconds at a time. The copy into the slot alone is left to that call.
"""

import operator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from vllm.lora.request import LoRARequest

from medley_server.engine.packed_module import Epochs


class Staging:
    """One worker's: reads ahead, and counts what is written into which slot."""

    def __init__(self, loader: Any) -> None:
        """Takes vLLM's `LRUCacheWorkerLoRAManager`, and has it ask here first."""
        self._slots = loader._adapter_manager
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="medley-adapter-reader")
        self._read: tuple[str, Future[Any]] | None = None
        self._load = loader._load_adapter
        self._activate = self._slots.activate_adapter
        self._epochs: Epochs = (0,) * self._slots.lora_slots
        loader._load_adapter = self._handed_over
        self._slots.activate_adapter = self._counted
        self._tell()

    def read(self, folder: str) -> None:
        """Begins to read; only the last that was asked for is kept."""
        request = LoRARequest(lora_name=folder, lora_int_id=1, lora_path=folder)
        self._read = (folder, self._reader.submit(self._load, request))

    def is_read(self) -> bool:
        """Whether it is there, or failed."""
        return self._read is None or self._read[1].done()

    def settle(self, budget_s: float) -> bool:
        """Does what is left to do, for about so long; whether there is more."""
        return any(one.settle(budget_s) for one in self._packing)

    def _handed_over(self, request: Any) -> Any:
        if self._read is None or self._read[0] != request.lora_path:
            return self._load(request)
        (_, reading), self._read = self._read, None
        adapter = reading.result()
        adapter.id = request.lora_int_id
        return adapter

    def _counted(self, number: int) -> bool:
        before = list(self._slots.lora_index_to_id)
        try:
            return bool(self._activate(number))
        finally:  # what failed halfway was written too
            pairs = zip(before, self._slots.lora_index_to_id, strict=True)
            changed = [was != now for was, now in pairs]
            self._epochs = tuple(map(operator.add, self._epochs, changed))
            self._tell()

    @property
    def _packing(self) -> list[Any]:
        """The arithmetic that packs: on a CPU Medley's; a GPU's reads the slots themselves."""
        return [
            one for one in self._slots.punica_wrapper_mapping.values() if hasattr(one, "epochs")
        ]

    def _tell(self) -> None:
        for one in self._packing:
            one.epochs = self._epochs


class AdapterStaging:
    """Mixed into vLLM's worker; every name begins with medley_, so that none is taken."""

    model_runner: Any

    def medley_stage(self) -> None:
        """Has loads go through a `Staging` from here on; a worker without adapters has none."""
        loader = getattr(self.model_runner, "lora_manager", None)
        self._medley_staging = Staging(loader) if loader is not None else None

    def medley_read(self, folder: str) -> None:
        """See `Staging.read`."""
        if self._medley_staging is not None:
            self._medley_staging.read(folder)

    def medley_is_read(self) -> bool:
        """See `Staging.is_read`."""
        return self._medley_staging is None or self._medley_staging.is_read()

    def medley_settle(self, budget_s: float) -> bool:
        """See `Staging.settle`."""
        return self._medley_staging is not None and self._medley_staging.settle(budget_s)
