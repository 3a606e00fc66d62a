"""What the examination of 100 MB costs beside hashing them, which publishing does anyway.

python -m tests.bench.admission_speed
"""

import hashlib
import statistics
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from functools import partial
from pathlib import Path

from medley_registry.admission import examine

from tests.builders import make_adapter

ROUNDS = 9
LAYERS, WIDTH, RANK = 32, 4096, 100
MODULES = {f"model.layers.{n}.self_attn.q_proj": (WIDTH, WIDTH) for n in range(LAYERS)}


def make_weights(folder: Path, dtype: str, *, rank: int) -> Path:
    tensors = {}
    for module in MODULES:
        tensors[f"base_model.model.{module}.lora_A.weight"] = (dtype, (rank, WIDTH))
        tensors[f"base_model.model.{module}.lora_B.weight"] = (dtype, (WIDTH, rank))
    return make_adapter(folder, tensors=tensors, config={"r": rank}, fill=0x3C)


def hash_alone(file: Path) -> None:
    seen, buffer = hashlib.sha256(), memoryview(bytearray(1 << 18))
    with file.open("rb", buffering=0) as stream:
        while count := stream.readinto(buffer):
            seen.update(buffer[:count])


def seconds(call: Callable[[], object]) -> float:
    begin = time.process_time()
    call()
    return time.process_time() - begin


def peak_mib(call: Callable[[], object]) -> float:
    tracemalloc.start()
    call()
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak_bytes / (1 << 20)


def main() -> None:
    print(f"on one core, median of {ROUNDS}\n{'':<6} {'hash alone':>12} {'examine':>12}")
    with tempfile.TemporaryDirectory() as home:
        for dtype, rank in (("BF16", 2 * RANK), ("F16", 2 * RANK), ("F32", RANK)):
            folder = make_weights(Path(home) / dtype, dtype, rank=rank)
            weights = folder / "adapter_model.safetensors"
            calls = partial(hash_alone, weights), partial(examine, folder, module_shapes=MODULES)
            took_s = zip(*([seconds(call) for call in calls] for _ in range(ROUNDS)), strict=True)
            size_mb = weights.stat().st_size / 1e6
            hashing, examining = (size_mb / statistics.median(each) for each in took_s)
            print(
                f"{dtype:<6} {hashing:7.0f} MB/s {examining:7.0f} MB/s"
                f"   {size_mb:.0f} MB, examined within {peak_mib(calls[1]):.1f} MiB"
            )


if __name__ == "__main__":
    main()
