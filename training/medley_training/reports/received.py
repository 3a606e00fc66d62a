"""What a coordinator has on disk of one contribution: its file and the site's signed statement.

Only headers and statements are read, never the tensors, so a report over many rounds is quick.
Signatures and digests are not checked here; ``medley train verify`` does that.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from medley_training.errors import BadSignature, RunDamaged
from medley_training.identity.envelope import Envelope
from medley_training.identity.statement import Statement

_FACTOR = re.compile(r"(?:^|\.)lora_[AB](?:\.|$)")
_METADATA = frozenset({"codec", "format"})
_LAYER = re.compile(r"(?<=\.)[0-9]+(?=\.)")


@dataclass(frozen=True, slots=True)
class SentFile:
    """The header of a contribution's safetensors file.

    Attributes:
        size_bytes: Of the whole file.
        tensors: Name → dtype and shape, for example ``F32 8 x 576``; sorted.
        metadata: What the header says besides, such as the codec.
    """

    size_bytes: int
    tensors: Mapping[str, str]
    metadata: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Received:
    """One contribution as it lies in the run folder; None for what is not there."""

    file: SentFile | None
    statement: Mapping[str, Any] | None
    statement_bytes: int = 0

    @property
    def strangers(self) -> tuple[str, ...]:
        """What no contribution has: tensors that are no LoRA factors, other words about them."""
        known = {each.name for each in fields(Statement)}
        found = [f"{name} in its statement" for name in self.statement or () if name not in known]
        if self.file is not None:
            tensors = (name for name in self.file.tensors if not _FACTOR.search(name))
            found += [f"tensor {name}" for name in tensors]
            found += [f"{name} in its file's header" for name in {*self.file.metadata} - _METADATA]
        return tuple(sorted(found))


def received(file: Path, statement: Path) -> Received:
    """Read what there is of a contribution.

    Raises:
        RunDamaged: One of the two files is not in its form.
    """
    sent = sent_file(file) if file.exists() else None
    if not statement.exists():
        return Received(sent, None)
    try:
        text = statement.read_text(encoding="utf-8")
        payload = json.loads(Envelope.from_json(text.rstrip("\n")).payload)
    except (BadSignature, ValueError) as error:
        raise RunDamaged(f"{statement} is no statement: {error}") from error
    if not isinstance(payload, dict):
        raise RunDamaged(f"{statement} is no statement: it holds no JSON object")
    return Received(sent, payload, len(text.encode()))


def sent_file(path: Path) -> SentFile:
    """Read the header of a safetensors file.

    Raises:
        RunDamaged: It is none.
    """
    from safetensors import SafetensorError, safe_open

    tensors = {}
    try:
        with safe_open(path, framework="np") as file:
            metadata = dict(file.metadata() or {})
            for name in sorted(file.keys()):
                entry = file.get_slice(name)
                shape = " x ".join(map(str, entry.get_shape()))
                tensors[name] = f"{entry.get_dtype()} {shape}"
    except (OSError, SafetensorError) as error:
        raise RunDamaged(f"{path} is no safetensors file: {error}") from error
    return SentFile(path.stat().st_size, tensors, metadata)


def name_patterns(names: Mapping[str, Any]) -> dict[str, int]:
    """How many tensors have the same name but for the layer's number, written ``N``."""
    found: dict[str, int] = {}
    for name in sorted(names):
        pattern = _LAYER.sub("N", name)
        found[pattern] = found.get(pattern, 0) + 1
    return found
