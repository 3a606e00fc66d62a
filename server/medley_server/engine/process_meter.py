"""The main memory of this process, as Linux counts it."""

import ctypes
from pathlib import Path

_PROC = Path("/proc/self")


class ProcessMeter:
    """Tells what a process on CPU takes, and took at most."""

    def __init__(self) -> None:
        self._idle_bytes: int | None = None

    def reset_peak(self) -> None:
        """Lets the peak count anew; what requests took and gave back goes to the system first.

        Where the kernel does not let the peak be reset, there will be no `activation`.
        """
        ctypes.CDLL(None).malloc_trim(0)
        try:
            (_PROC / "clear_refs").write_text("5")
        except OSError:
            self._idle_bytes = None
        else:
            self._idle_bytes = _kernel_bytes("status", "VmRSS")

    def activation(self, own_bytes: int) -> int | None:
        """What was taken at most since the reset, on top of what was there.

        Args:
            own_bytes: of weights and caches; here they are part of what was there.
        """
        if self._idle_bytes is None:
            return None
        return max(0, _kernel_bytes("status", "VmHWM") - self._idle_bytes)

    def total(self) -> int:
        """The process at its peak; pages that processes share count for each by its part."""
        now, peak = (_kernel_bytes("status", name) for name in ("VmRSS", "VmHWM"))
        return _kernel_bytes("smaps_rollup", "Pss") + max(0, peak - now)


def _kernel_bytes(file: str, name: str) -> int:
    """One figure of a file under /proc, where it stands in kB."""
    lines = (_PROC / file).read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))
