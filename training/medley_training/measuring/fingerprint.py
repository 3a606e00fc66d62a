"""Where something was measured: hardware, software and engine, kept beside the figures."""

import os
import platform
import shutil
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from medley_registry.canonical import Json

from medley_training.measuring.packages import package_versions

# Instructions that decide which kernels an engine takes on a CPU.
_INSTRUCTIONS = ("avx2", "avx512f", "avx512_bf16", "avx512_vnni", "amx_bf16", "amx_int8")
_ENGINE = ("engine", "variant", "quantization", "device", "dtype", "kernel", "environment")
_GPU = ("name", "driver_version", "memory.total", "clocks.max.sm", "power.limit")


def environment(facts: Mapping[str, Json]) -> dict[str, Json]:
    """The fingerprint that evidence is recorded with.

    Args:
        facts: what `GET /benchmark` says of the server that was measured; empty for none.
    """
    return {
        "hardware": dict(_hardware()),
        "software": dict(_software()),
        "engine": {name: facts[name] for name in _ENGINE if name in facts},
    }


@cache
def _hardware() -> Mapping[str, Json]:
    described = _cpu_info()
    instructions = described.get("flags", described.get("Features", "")).split()
    return {
        "cpu": described.get("model name") or platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "instructions": [name for name in _INSTRUCTIONS if name in instructions],
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "gpus": _gpus(),
    }


@cache
def _software() -> Mapping[str, Json]:
    place = {"python": platform.python_version(), "system": platform.platform()}
    return {**place, **package_versions()}


def _cpu_info() -> dict[str, str]:
    """What Linux says of the first core."""
    try:
        first = Path("/proc/cpuinfo").read_text().split("\n\n")[0]
    except OSError:
        return {}
    lines = (line.partition(":") for line in first.splitlines())
    return {name.strip(): value.strip() for name, _, value in lines}


def _gpus() -> list[Json]:
    """Each NVIDIA device as its driver describes it."""
    if shutil.which("nvidia-smi") is None:
        return []
    query = ("nvidia-smi", f"--query-gpu={','.join(_GPU)}", "--format=csv,noheader")
    asked = subprocess.run(query, capture_output=True, text=True, check=False)
    if asked.returncode:
        return []
    lines = (line.split(", ") for line in asked.stdout.splitlines())
    return [dict(zip(_GPU, values, strict=False)) for values in lines]
