"""Write the demo's adapter for documents: ``python -m medley_training.demo_documents``.

`medley train run documents` publishes its aggregates in float32; the engine computes with bfloat16,
so that half of their bytes would be shipped for nothing.
"""

import json
from pathlib import Path
from typing import Annotated

import typer

from medley_training.local.lora import CONFIG_FILE, WEIGHTS_FILE, read_adapter


def make_demo_documents(
    version: Annotated[
        Path, typer.Option(help="What `medley adapter pull documents:10 DIR` wrote.", exists=True)
    ],
    out: Annotated[Path, typer.Option(help="Folder for the two files.")],
) -> None:
    """Write a version's tensors in bfloat16, and its configuration."""
    import torch
    from safetensors.torch import save

    config, tensors = read_adapter(version)
    halved = {name: tensor.to(torch.bfloat16).contiguous() for name, tensor in tensors.items()}
    out.mkdir(parents=True, exist_ok=True)
    (out / CONFIG_FILE).unlink(missing_ok=True)
    (out / WEIGHTS_FILE).write_bytes(save(halved, metadata={"format": "pt"}))
    text = json.dumps(config, indent=2, sort_keys=True)
    (out / CONFIG_FILE).write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    typer.run(make_demo_documents)
