"""Hugging Face model folders: what a variant takes over from the base it is made from."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedModel

CONFIG = "config.json"
_WEIGHTS = ("*.safetensors", "*.safetensors.index.json", "*.bin", "*.bin.index.json", "*.gguf")


def weights_bytes(folder: Path) -> int:
    """How large the weights are that a server would load."""
    return sum(
        file.stat().st_size for file in folder.iterdir() if file.suffix in {".safetensors", ".gguf"}
    )


def carry_over(origin: Path, folder: Path) -> None:
    """Copy everything but weights and configuration, byte by byte.

    A tokenizer that is saved anew differs from the one it was read from, and a base is known by it.
    What saving a model has left in `folder` besides its weights and configuration goes.
    """
    for file in folder.iterdir():
        if file.is_file() and not _is_made(file):
            file.unlink()
    for file in origin.iterdir():
        if file.is_file() and not file.name.startswith(".") and not _is_made(file):
            shutil.copyfile(file, folder / file.name)


def _is_made(file: Path) -> bool:
    return file.name == CONFIG or any(file.match(pattern) for pattern in _WEIGHTS)


def save_model(model: "PreTrainedModel", folder: Path, *, origin: Path) -> None:
    """Write a model with the tokenizer, template and settings of the base it comes from."""
    model.save_pretrained(folder)
    carry_over(origin, folder)
