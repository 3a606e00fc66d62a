"""The memory of this very process, by component."""

import ctypes
from pathlib import Path

_KB = 1024
_SELF = Path("/proc/self")


class ProcessMemory:
    """Counts peaks from the moment it is made.

    Where the kernel does not let the peak be reset, there is no activation, as the server tells it.
    """

    def __init__(self, device: str) -> None:
        self._is_cuda = device == "cuda"
        self._before: int | None = None
        if self._is_cuda:
            import torch

            torch.cuda.reset_peak_memory_stats()
            return
        ctypes.CDLL(None).malloc_trim(0)  # what the last turn gave back goes to the system first
        try:
            (_SELF / "clear_refs").write_text("5")
        except OSError:
            return
        self._before = _status("VmRSS")

    def told(self, *, weights: int, lora_slots: int, kv_cache: int) -> dict[str, int | None]:
        """All components, in bytes, as `GET /benchmark` names them.

        The activation peak is what was taken on top of what is known, and the cache is freed after
        each batch, so it is part of the peak here.
        """
        known = weights + lora_slots + kv_cache
        activation: int | None = None
        if self._is_cuda:
            import torch

            activation = max(0, torch.cuda.max_memory_allocated() - known)
            total = max(torch.cuda.max_memory_reserved(), known + activation)
        else:
            total = _status("VmHWM")
            if self._before is not None:
                activation = max(0, total - self._before - kv_cache)
        return {
            "weights": weights,
            "kv_cache": kv_cache,
            "lora_slots": lora_slots,
            "activation": activation,
            "total": total,
        }


def _status(name: str) -> int:
    for line in (_SELF / "status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * _KB
    return 0
