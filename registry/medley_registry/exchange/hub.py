"""Adapters on the Hugging Face hub: an address that is pinned to a commit, and its download.

The hub's own client does the work, so its settings hold here: ``HF_ENDPOINT``, ``HF_TOKEN``,
proxies, ``HF_HUB_OFFLINE``.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from medley_registry.admission import SIZE_LIMITS
from medley_registry.digest import Digest
from medley_registry.durable import disk_errors
from medley_registry.errors import AdmissionRefused, NotFound, Unavailable
from medley_registry.exchange.layout import FOLDER
from medley_registry.exchange.peft_folder import check_layout
from medley_registry.manifest import is_plain_name

if TYPE_CHECKING:
    from huggingface_hub.hf_api import ModelInfo, RepoSibling

SCHEME = "hf://"
_ADDRESS = re.compile(r"hf://([A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95})(?:@(.+))?", re.ASCII)
_COMMIT = re.compile(r"[0-9a-f]{40}")
_DESCRIPTION_LIMIT_BYTES = 16 << 20
_TIMEOUT_S = 30


@dataclass(frozen=True, slots=True)
class HubAddress:
    """A repository at a revision, which may be a branch; only a commit can be downloaded."""

    repository: str
    revision: str

    def __str__(self) -> str:
        return f"{SCHEME}{self.repository}@{self.revision}"

    @classmethod
    def parse(cls, text: str) -> "HubAddress":
        """Read ``hf://owner/name@revision``; without a revision, ``main`` is meant.

        Raises:
            AdmissionRefused: by rule ``hub-address``.
        """
        found = _ADDRESS.fullmatch(text)
        if found is None:
            raise AdmissionRefused(
                "hub-address", text, because="an address is hf://owner/name@commit"
            )
        return cls(found[1], found[2] or "main")


@dataclass(frozen=True, slots=True)
class HubDownload:
    """A repository's files on this disk, and what the hub says they hold, where it says so."""

    folder: Path
    digests: dict[str, Digest]


@contextmanager
def downloaded(address: HubAddress) -> Iterator[HubDownload]:
    """The files of an adapter at a commit, there for as long as the block lasts.

    Only the files that a registry takes are fetched.

    Raises:
        AdmissionRefused: by rule ``hub-revision`` for a branch or tag, which can come to mean
            something else (the text names the commit to pin); by ``file-pickle``, ``file-missing``
            or ``file-size`` for what lies there.
        NotFound: no such repository or commit, or none that may be read without a token.
        Unavailable: the hub cannot be reached.
    """
    with _hub_errors(address):
        info = _info(address)
        if not _COMMIT.fullmatch(address.revision):
            raise AdmissionRefused(
                "hub-revision",
                address.revision,
                because=f"pin a commit; this is now {HubAddress(address.repository, info.sha)}",
            )
    wanted = _wanted(info.siblings or [])
    with TemporaryDirectory(prefix="medley-hub-") as place:
        with _hub_errors(address), disk_errors(Path(place)):
            _download(address, sorted(wanted), Path(place))
        yield HubDownload(
            Path(place),
            {name: Digest(file.lfs.sha256) for name, file in wanted.items() if file.lfs},
        )


@contextmanager
def _hub_errors(address: HubAddress) -> Iterator[None]:
    """Tell what the hub's client raises in the registry's own words."""
    from huggingface_hub.errors import (
        HFValidationError,
        HTTPError,  # that of whichever HTTP library this release of the client brings
        RepositoryNotFoundError,
        RevisionNotFoundError,
        RevisionResolutionError,
    )

    try:
        yield
    except HFValidationError as error:
        raise AdmissionRefused("hub-address", str(address), because=_line(error)) from error
    except (RepositoryNotFoundError, RevisionNotFoundError) as error:
        raise NotFound(f"the hub shows no {address} to us: {_line(error)}") from error
    except (HTTPError, RevisionResolutionError, OSError) as error:
        raise Unavailable(f"{address} cannot be fetched: {_line(error)}") from error


def _line(error: Exception) -> str:
    return str(error).strip().split("\n", 1)[0]


def _info(address: HubAddress) -> "ModelInfo":
    from huggingface_hub import HfApi

    return HfApi().model_info(
        address.repository, revision=address.revision, files_metadata=True, timeout=_TIMEOUT_S
    )


def _wanted(siblings: list["RepoSibling"]) -> dict[str, "RepoSibling"]:
    """The files to fetch: an adapter's own, and those of a package."""
    files = {file.rfilename: file for file in siblings}
    check_layout(files)
    wanted = {
        name: file
        for name, file in files.items()
        if name in SIZE_LIMITS or name.startswith(f"{FOLDER}/")
    }
    for name, file in wanted.items():
        if not all(map(is_plain_name, name.split("/"))):
            raise AdmissionRefused("file-name", name, because="not a plain name")
        limit = SIZE_LIMITS.get(name, _DESCRIPTION_LIMIT_BYTES)
        if file.size is not None and file.size > limit:
            raise AdmissionRefused(
                "file-size", f"{name}: {file.size} bytes", because=f"at most {limit}"
            )
    return wanted


def _download(address: HubAddress, names: list[str], folder: Path) -> None:
    from huggingface_hub import snapshot_download

    snapshot_download(
        address.repository,
        revision=address.revision,
        local_dir=folder,
        allow_patterns=names,  # as patterns, plain names stand for themselves alone
    )
    rmtree(folder / ".cache", ignore_errors=True)  # what the client notes for itself
