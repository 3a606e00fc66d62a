"""What vLLM is told on a CPU where the user said nothing; each figure is in docs/serving.md."""

import os
from collections.abc import Sequence
from pathlib import Path

SMALL_MACHINE_CORES = 4
MOST_KV_CACHE_BYTES = 4 * 1024**3


def bind_threads() -> None:
    """On a small machine, lets the engine use every core.

    vLLM keeps one core for its front end, which on two cores is half the machine. A setting of the
    user's own is left alone.
    """
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) <= SMALL_MACHINE_CORES:
        os.environ.setdefault("VLLM_CPU_OMP_THREADS_BIND", ",".join(map(str, cores)))


def memory_flags(flags: Sequence[str]) -> list[str]:
    """Sets aside a quarter of the free memory for the KV cache, at most 4 GiB.

    vLLM's own default reserves 92 % of the machine and refuses to start where that is not free.
    """
    named = ("--kv-cache-memory-bytes", "--gpu-memory-utilization")
    if os.environ.get("VLLM_CPU_KVCACHE_SPACE") or any(flag.startswith(named) for flag in flags):
        return []
    free = _available_bytes()
    return ["--kv-cache-memory-bytes", str(min(free // 4, MOST_KV_CACHE_BYTES))]


def _available_bytes() -> int:
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return MOST_KV_CACHE_BYTES
