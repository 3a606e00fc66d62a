"""Measures memory bandwidth and arithmetic, in a process of its own that gives its memory back.

``python -m medley_training.benchmarks.machine_speed`` prints both as JSON.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from medley_training.benchmarks.floor import MachineSpeed
from medley_training.errors import NotMeasured

_CPU_BYTES, _CUDA_BYTES = 512 << 20, 4 << 30
"""Far more than any cache holds."""
_CPU_SIDE, _CUDA_SIDE = 2048, 8192
_TRIES = 7


def machine_speed() -> MachineSpeed:
    """Takes some seconds, in which nothing else should run.

    Raises:
        NotMeasured: the process failed.
    """
    asked = subprocess.run(
        (sys.executable, "-m", __name__), capture_output=True, text=True, check=False
    )
    if asked.returncode:
        last = (asked.stderr.strip().splitlines() or ["no word"])[-1]
        raise NotMeasured(f"the memory bandwidth could not be measured: {last}")
    return MachineSpeed(**json.loads(asked.stdout))


def faster(one: MachineSpeed, other: MachineSpeed) -> MachineSpeed:
    """The better of each: a limit is what was reached at best."""
    return MachineSpeed(
        device=one.device,
        bandwidth_bytes_per_s=max(one.bandwidth_bytes_per_s, other.bandwidth_bytes_per_s),
        flops=max(one.flops, other.flops),
    )


def _measure() -> MachineSpeed:
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    size = _CUDA_BYTES if device == "cuda" else _CPU_BYTES
    side = _CUDA_SIDE if device == "cuda" else _CPU_SIDE
    source = torch.ones(size // 4, dtype=torch.float32, device=device)
    if device == "cuda":
        target = torch.empty_like(source)
        # A copy reads and writes, and the bus carries both.
        moved, move = 2 * size, lambda: target.copy_(source)
    else:
        moved, move = size, source.sum
    square = torch.randn((side, side), device=device).to(torch.bfloat16)
    return MachineSpeed(
        device=device,
        bandwidth_bytes_per_s=moved / _best_s(move, torch),
        flops=2 * side**3 / _best_s(lambda: square @ square, torch),
    )


def _best_s(work: Callable[[], Any], torch: Any) -> float:
    wait = torch.cuda.synchronize if torch.cuda.is_available() else lambda: None
    times = []
    for _ in range(_TRIES):
        wait()
        started = time.perf_counter()
        work()
        wait()
        times.append(time.perf_counter() - started)
    return min(times)


if __name__ == "__main__":
    speed = _measure()
    told = {"device": speed.device, "flops": speed.flops}
    json.dump(told | {"bandwidth_bytes_per_s": speed.bandwidth_bytes_per_s}, sys.stdout)
