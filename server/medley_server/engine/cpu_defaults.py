"""What vLLM is told on a CPU where the user said nothing (docs/serving.md)."""

import os
from collections.abc import Sequence
from pathlib import Path

import psutil

SMALL_MACHINE_CORES = 4
MOST_KV_CACHE_BYTES = 4 * 1024**3


def bind_threads(ranks: int) -> None:
    """On a small machine, lets the engine use every core, if it runs in one rank.

    vLLM keeps one core for its front end, which on two cores is half the machine. A setting of the
    user's own is left alone.
    """
    cores = sorted(os.sched_getaffinity(0))
    if ranks == 1 and len(cores) <= SMALL_MACHINE_CORES:
        os.environ.setdefault("VLLM_CPU_OMP_THREADS_BIND", ",".join(map(str, cores)))


def keep_activations() -> None:
    """Has 4-bit weights multiplied with activations as they are, on every CPU alike.

    On CPUs with AMX vLLM would round the activations to 8 bits, unasked: another answer, and other
    figures, than the same variant gives elsewhere. A setting of the user's own is left alone.
    """
    os.environ.setdefault("VLLM_CPU_INT4_W4A8", "0")


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
    """What the machine has free, or this container may still take, whichever is less."""
    free = psutil.virtual_memory().available
    try:
        limit, used = (
            Path("/sys/fs/cgroup", name).read_text().strip()
            for name in ("memory.max", "memory.current")
        )
    except OSError:
        return free
    return free if limit == "max" else min(free, int(limit) - int(used))
