"""GGUF files by llama.cpp's own tools: a base in Q4_K_M, and a version's adapter beside it.

llama.cpp names its adapters when it starts: this is a frozen export, not something to swap on.
"""

import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from medley_registry.adapters import Version
from medley_registry.base_folder import Progress
from medley_registry.bases import BaseModel
from medley_registry.digest import digest_stream

from medley_training.errors import CannotQuantize
from medley_training.quantizing.maker import Recipe
from medley_training.quantizing.merging import Fetch

TYPE = "Q4_K_M"
BASE_FILE, ADAPTER_FILE = f"base-{TYPE}.gguf", "adapter-f16.gguf"
_CONVERT, _QUANTIZE, _CONVERT_LORA = (
    "convert_hf_to_gguf.py",
    "llama-quantize",
    "convert_lora_to_gguf.py",
)
_PLACES = (".", "bin", "build/bin")
_STEPS = 3


@dataclass(frozen=True, slots=True)
class Gguf:
    """Three runs of llama.cpp's tools.

    Attributes:
        version: What is exported.
        fetch: Brings its files.
        tools: llama.cpp's folder; None looks for the tools on the PATH.
    """

    version: Version
    fetch: Fetch
    tools: Path | None = None

    def plan(self, origin: BaseModel) -> Recipe:
        for name in (_CONVERT, _QUANTIZE, _CONVERT_LORA):
            self._command(name)
        return {
            "method": "gguf",
            "tool": "llama.cpp",
            "type": TYPE,
            "adapter": self.version.reference,
            "version": str(self.version.digest),
            "base": str(origin.base_id),
        }

    def write(self, origin: BaseModel, folder: Path, *, progress: Progress) -> Recipe:
        with tempfile.TemporaryDirectory(dir=folder, prefix=".") as scratch:
            whole = Path(scratch) / "whole.gguf"
            adapter = self.fetch(self.version, Path(scratch) / "adapter")
            self._run(_CONVERT, origin.path, "--outtype", "bf16", "--outfile", whole)
            progress(1, _STEPS)
            self._run(_QUANTIZE, whole, folder / BASE_FILE, TYPE)
            progress(2, _STEPS)
            self._run(
                _CONVERT_LORA, adapter, "--base", origin.path, "--outtype", "f16",
                "--outfile", folder / ADAPTER_FILE,
            )  # fmt: skip
            progress(_STEPS, _STEPS)
        return {"files": {name: _digest(folder / name) for name in (BASE_FILE, ADAPTER_FILE)}}

    def _run(self, name: str, *arguments: str | Path) -> None:
        done = subprocess.run(
            [*self._command(name), *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            last = (done.stderr or done.stdout).strip().splitlines()[-1:]
            raise CannotQuantize(f"{name} failed: {' '.join(last) or done.returncode}")

    def _command(self, name: str) -> list[str]:
        places = [self.tools / place for place in _PLACES] if self.tools else []
        path = ":".join(map(str, places)) if self.tools else None
        if found := shutil.which(name, path=path):
            return [found]
        for place in places:  # scripts of a checkout need not be executable
            if (place / name).is_file():
                return [sys.executable, str(place / name)]
        where = f"in {self.tools}" if self.tools else "on the PATH"
        raise CannotQuantize(
            f"GGUF needs llama.cpp's tools, and {name} is not {where}: build llama.cpp and name its"
            " folder by --llama-cpp, or use --method merged"
        )


def _digest(file: Path) -> str:
    """The file's digest; it must be there, and begin as GGUF files do."""
    try:
        with file.open("rb") as stream:
            is_gguf = stream.read(4) == b"GGUF"
            stream.seek(0)
            digest, _ = digest_stream(stream, each=lambda _: None)
    except OSError as error:
        raise CannotQuantize(f"llama.cpp's tools wrote no {file.name}") from error
    if not is_gguf:
        raise CannotQuantize(f"{file.name} is no GGUF file")
    return str(digest)
