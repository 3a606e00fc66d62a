"""Adapters to measure with, on the small base, in a registry of the benchmark's own."""

from pathlib import Path

from medley_registry import open_registry
from medley_server.demo.showcase import TRIAGE_NOTE
from medley_server.demo.small_base import NAME
from medley_training.benchmarks.swaps.stage import Stage, set_stage

BASE = Path(f".test-cache/bases/{NAME}")
FLAGS = ("--max-model-len", "512", "--enforce-eager", "--kv-cache-memory-bytes", str(1 << 30))
"""For vLLM, on every side; without the last it takes nearly all of a CPU's memory."""


def staged(folder: Path, base: Path, *, adapters: int, versions_each: int = 1) -> Stage:
    """Adapters of the demo's shape, as `set_stage` makes them in `folder`, which is empty."""
    with open_registry(folder / "given", create=True) as registry:
        registry.add_base(NAME, base.resolve(), actor="bench")
        files = TRIAGE_NOTE.folder(1)
        version = registry.publish(files, name="note", base=NAME, actor="bench")
        return set_stage(
            folder, registry, [version], adapters=adapters, versions_each=versions_each, seed=0
        )
