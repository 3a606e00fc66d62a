"""The energy that the device has taken so far, where it counts it."""

import ctypes
import os
from pathlib import Path

_RAPL = Path("/sys/class/powercap")


class EnergyMeter:
    """Reads the counter of the GPU in use, else of the CPU's packages (RAPL), else of nothing.

    A GPU's counter is of that device alone; RAPL's is of all that runs on the machine.
    """

    def __init__(self, device: str, *, rapl: Path = _RAPL) -> None:
        self._gpu = _Nvml.open() if device == "cuda" else None
        # The packages, and not the parts of them that have counters of their own.
        found = sorted(rapl.glob("intel-rapl:[0-9]*")) if device == "cpu" else []
        self._packages = [zone for zone in found if zone.name.count(":") == 1]

    def read(self) -> list[float] | None:
        """The counters now, in joules; None where there are none or they may not be read."""
        if self._gpu is not None:
            return [self._gpu.read_j()]
        try:
            return [_microjoules(zone / "energy_uj") for zone in self._packages] or None
        except (OSError, ValueError):
            return None

    def since(self, before: list[float] | None) -> float | None:
        """Joules since `before` was read."""
        now = self.read()
        if before is None or now is None:
            return None
        return sum(map(self._difference, range(len(now)), before, now))

    def _difference(self, place: int, before: float, now: float) -> float:
        """RAPL's counters begin again at zero past their range."""
        if now >= before or not self._packages:
            return now - before
        return now - before + _microjoules(self._packages[place] / "max_energy_range_uj")


class _Nvml:
    """NVIDIA's management library, of which one function is needed."""

    def __init__(self, library: ctypes.CDLL, device: ctypes.c_void_p) -> None:
        self._library, self._device = library, device

    @classmethod
    def open(cls) -> "_Nvml | None":
        """The first device that CUDA may see, if its driver counts energy."""
        try:
            library = ctypes.CDLL("libnvidia-ml.so.1")
        except OSError:
            return None
        device = ctypes.c_void_p()
        seen = os.environ.get("CUDA_VISIBLE_DEVICES", "0").split(",")[0]
        place = int(seen) if seen.isdigit() else 0
        if library.nvmlInit_v2() or library.nvmlDeviceGetHandleByIndex_v2(
            place, ctypes.byref(device)
        ):
            return None
        found = cls(library, device)
        return found if found.read_j() > 0 else None

    def read_j(self) -> float:
        """0 where the device does not count."""
        millijoules = ctypes.c_ulonglong()
        asked = self._library.nvmlDeviceGetTotalEnergyConsumption
        return 0.0 if asked(self._device, ctypes.byref(millijoules)) else millijoules.value / 1000


def _microjoules(file: Path) -> float:
    return int(file.read_text()) / 1e6
