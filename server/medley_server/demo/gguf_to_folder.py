"""Writes a GGUF model out as a transformers folder in bfloat16.

    python -m medley_server.demo.gguf_to_folder MODEL.gguf FOLDER

A process of its own, so that the gigabyte this takes is given back before the server starts.
"""

import sys
from pathlib import Path


def write_folder(gguf: Path, folder: Path) -> None:
    """Dequantizes, and writes weights, config, tokenizer and chat template."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
    model = AutoModelForCausalLM.from_pretrained(
        gguf.parent,
        gguf_file=gguf.name,
        quantization_config=GgufConfig(dequantize=True),
        dtype=torch.bfloat16,
    )
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


if __name__ == "__main__":
    write_folder(Path(sys.argv[1]), Path(sys.argv[2]))
