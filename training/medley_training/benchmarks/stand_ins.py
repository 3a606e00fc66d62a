"""Adapters that cost what a real one costs, where more are asked for than there are."""

import json
from pathlib import Path

from medley_registry.safetensors_header import read_header

_CONFIG = "adapter_config.json"
_WEIGHTS = "adapter_model.safetensors"


def write_stand_in(like: Path, folder: Path, *, seed: int, strength: float = 1.0) -> Path:
    """An adapter of the same configuration and shapes, each tensor's values in another order.

    Its answers are nonsense and its arithmetic is the same: only time and memory may be measured,
    and whose answers they are, where `strength` lets the adapter weigh so many times as much.
    """
    import numpy as np

    folder.mkdir(parents=True)
    config = json.loads((like / _CONFIG).read_text())
    config["lora_alpha"] *= strength
    (folder / _CONFIG).write_text(json.dumps(config))
    content = bytearray((like / _WEIGHTS).read_bytes())
    with (like / _WEIGHTS).open("rb") as stream:
        tensors = read_header(stream)
        start = stream.tell()
    pick = np.random.default_rng(seed)
    for entry in tensors.values():
        count = max(1, int(np.prod(entry.shape)))
        width = np.dtype(f"u{entry.size_bytes // count}")
        values = np.frombuffer(content, dtype=width, count=count, offset=start + entry.begin)
        values[:] = pick.permutation(values)
    (folder / _WEIGHTS).write_bytes(content)
    return folder
