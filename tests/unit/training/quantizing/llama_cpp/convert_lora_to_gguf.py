"""Stands in for llama.cpp's script for adapters."""

import argparse
from pathlib import Path

from convert_hf_to_gguf import write  # type: ignore[import-not-found]

parser = argparse.ArgumentParser()
parser.add_argument("lora_path", type=Path)
parser.add_argument("--base", type=Path)
parser.add_argument("--outtype", choices=["f32", "f16", "bf16", "q8_0"])
parser.add_argument("--outfile", type=Path)
given = parser.parse_args()
assert (given.lora_path / "adapter_model.safetensors").is_file()
assert (given.base / "config.json").is_file()
write(given.outfile, f"{given.outtype} of {given.lora_path.name} for {given.base.name}")
