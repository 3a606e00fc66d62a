"""AWQ by llm-compressor, as a job in an environment of its own that uv makes.

Its output is compressed-tensors' W4A16, which vLLM reads as well as autoawq's files. The vision
tower and the output layer stay as they are.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from medley_registry.base_folder import Progress
from medley_registry.bases import BaseModel
from medley_registry.durable import make_folder, replace_file
from medley_registry.location import medley_home

from medley_training.errors import CannotQuantize
from medley_training.quantizing.awq_settings import AwqSettings
from medley_training.quantizing.calibration import Calibration
from medley_training.quantizing.maker import Recipe
from medley_training.quantizing.model_folder import carry_over
from medley_training.quantizing.text_modules import OF_IMAGES
from medley_training.quantizing.weight_error import error_summary

JOB = Path(__file__).with_name("llm_compressor_job.py")
_TETHER = Path(__file__).with_name("tether.py")
TOOL = "llm-compressor 0.14.0.1"
_TORCH = '"torch>=2.13,<=2.14.0"'
_TORCH_PAGE = "https://download.pytorch.org/whl/cpu/torch/"
_PIP_TO_UV = {  # uv does not read pip's settings, and a machine is often set up for pip alone
    "PIP_CERT": "SSL_CERT_FILE",
    "PIP_FIND_LINKS": "UV_FIND_LINKS",
    "PIP_INDEX_URL": "UV_DEFAULT_INDEX",
}
_LINES_OF_A_FAILURE = 3


@dataclass(frozen=True, slots=True)
class LlmCompressor:
    """AWQ of a text model or of a vision-language model's text side, on a GPU or the CPU."""

    settings: AwqSettings
    symmetric: bool = True

    def plan(self, origin: BaseModel) -> Recipe:
        uv_command()
        found = self.settings.calibration_for(origin)
        how: Recipe = {"format": "pack-quantized", "symmetric": self.symmetric}
        return {"method": "awq", "tool": TOOL, **how, **self.settings.plan(origin, found)}

    def write(self, origin: BaseModel, folder: Path, *, progress: Progress) -> Recipe:
        # Only its owner reads what the model is shown; a killed run's is cleared with the folder.
        with tempfile.TemporaryDirectory(dir=folder, prefix=".") as scratch:
            request = self._request(origin, folder, self.settings.calibration_for(origin))
            answer = run_job(request, Path(scratch))
        carry_over(origin.path, folder)
        progress(1, 1)
        return {"weight_error": error_summary(answer["errors"]), "torch": answer["torch"]}

    def _request(self, origin: BaseModel, folder: Path, found: Calibration) -> Recipe:
        return {
            "origin": str(origin.path),
            "folder": str(folder),
            "blocks": [[*block] for block in found.blocks],
            "group_size": self.settings.group_size_for(origin),
            "symmetric": self.symmetric,
            "ignore": ["re:.*lm_head$", *(f"re:.*{part}.*" for part in OF_IMAGES)],
        }


def run_job(request: Recipe, scratch: Path) -> dict[str, Any]:
    """Run the job on a request; what it answers.

    Raises:
        CannotQuantize: uv is missing, cannot make the environment, or the job fails.
    """
    (scratch / "request.json").write_text(json.dumps(request))
    # uv knows an environment by its script's path, so the script has a lasting one.
    script = medley_home() / "jobs" / JOB.name
    make_folder(script.parent)
    replace_file(script, script_for(has_gpu=has_gpu()).encode())
    files = [str(scratch / "request.json"), str(scratch / "answer.json")]
    returncode, errors = run_tethered([*uv_command(), "run", "--script", str(script), *files])
    if returncode:
        tail = " | ".join(errors.strip().splitlines()[-_LINES_OF_A_FAILURE:])
        raise CannotQuantize(f"the llm-compressor job failed: {tail}")
    answer: dict[str, Any] = json.loads((scratch / "answer.json").read_bytes())
    return answer


def run_tethered(command: Sequence[str]) -> tuple[int, str]:
    """Run a command in a process group that ends with this call, and with this process.

    Returns:
        Its exit code, and what it said on stderr.
    """
    with subprocess.Popen(
        [sys.executable, "-I", str(_TETHER), *command],
        env={**os.environ, **uv_variables(os.environ)},
        stdin=subprocess.PIPE,  # closed however this process ends; the tether waits for that
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stderr is not None
        try:
            errors = process.stderr.read()
            return process.wait(), errors
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)  # before anybody clears what it writes into
            process.wait()
            raise


def script_for(*, has_gpu: bool) -> str:
    """The job's text; where there is no GPU, it asks for the build of torch without CUDA's 3 GB.

    That build is not on PyPI: it comes from a folder of wheels, or from PyTorch's own index.
    """
    text = JOB.read_text(encoding="utf-8")
    if has_gpu:
        return text
    version = metadata.version("torch").partition("+")[0]
    return text.replace(_TORCH, f'"torch=={version}+cpu"')


def has_gpu() -> bool:
    import torch

    return bool(torch.cuda.is_available())


def uv_command() -> list[str]:
    """How uv is called.

    Raises:
        CannotQuantize: it is not installed.
    """
    beside = Path(sys.executable).with_name("uv")
    found = str(beside) if beside.exists() else shutil.which("uv")
    if found is None:
        raise CannotQuantize("llm-compressor runs in an environment that uv makes: install uv")
    return [found]


def uv_variables(environ: Mapping[str, str]) -> dict[str, str]:
    """Pip's settings under uv's names, and PyTorch's page of CPU builds where no folder has one."""
    translated = {
        theirs: environ[ours]
        for ours, theirs in _PIP_TO_UV.items()
        if environ.get(ours) and theirs not in environ
    }
    given = translated.get("UV_FIND_LINKS", environ.get("UV_FIND_LINKS", ""))
    links = given.replace(",", " ").split()
    if not has_gpu() and not any([*Path(link).glob("torch-*+cpu-*.whl")] for link in links):
        links.append(_TORCH_PAGE)  # asked only where it is needed: it may be out of reach
    return translated | ({"UV_FIND_LINKS": ",".join(links)} if links else {})
