"""Stands in for llama.cpp's script: takes what it takes, and writes a GGUF file of one name."""

import argparse
from pathlib import Path

from gguf import GGUFWriter


def write(file: Path, name: str) -> None:
    writer = GGUFWriter(file, "llama")
    writer.add_name(name)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("model", type=Path)
    parser.add_argument("--outtype", choices=["f32", "f16", "bf16", "q8_0"])
    parser.add_argument("--outfile", type=Path)
    given = parser.parse_args()
    assert (given.model / "config.json").is_file()
    write(given.outfile, f"{given.outtype} of {given.model.name}")
