"""The memory of this process's CUDA device."""

import os
from typing import Any


class DeviceMeter:
    """Tells what a process on a CUDA device takes, and took at most."""

    def __init__(self, cuda: Any, nvml: Any) -> None:
        """Takes `torch.cuda` and NVML's module, `pynvml`."""
        self._cuda = cuda
        self._nvml = nvml

    def reset_peak(self) -> None:
        """Lets the peak count anew."""
        self._cuda.reset_peak_memory_stats()

    def activation(self, own_bytes: int) -> int | None:
        """What torch had given out at most since the reset, weights and caches apart."""
        return max(0, int(self._cuda.max_memory_allocated()) - own_bytes)

    def total(self) -> int:
        """What the driver has given this process; where it does not say, what is not free."""
        if (used := self._of_this_process()) is not None:
            return used
        free, whole = self._cuda.mem_get_info()
        return int(whole - free)

    def _of_this_process(self) -> int | None:
        nvml = self._nvml
        nvml.nvmlInit()
        try:
            uuid = f"GPU-{self._cuda.get_device_properties(self._cuda.current_device()).uuid}"
            device = nvml.nvmlDeviceGetHandleByUUID(uuid)
            for process in nvml.nvmlDeviceGetComputeRunningProcesses(device):
                if process.pid == os.getpid() and process.usedGpuMemory:
                    return int(process.usedGpuMemory)
        except nvml.NVMLError:
            return None
        finally:
            nvml.nvmlShutdown()
        return None
