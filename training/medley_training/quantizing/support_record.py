"""What was probed, kept by the environment it was probed in: ``$MEDLEY_HOME/support.json``."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from medley_registry.canonical import Json, canonical_json
from medley_registry.digest import Digest
from medley_registry.durable import make_folder, replace_file

from medley_training.errors import CannotQuantize
from medley_training.measuring.packages import package_versions

Finding: TypeAlias = Literal["works", "refused", "failed", "not probed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One combination; what was not tried is "not probed", whatever anybody says of it.

    Attributes:
        architecture: One of `tiny_architectures.ARCHITECTURES`.
        method: bf16, nf4 or awq.
        tool: What made it.
        made: Whether the variant could be made.
        served: Whether `medley serve` answered on it.
        served_lora: Whether it answered by an adapter, and otherwise than the base.
        detail: Why not, in one line.
    """

    architecture: str
    method: str
    tool: str
    made: Finding = "not probed"
    served: Finding = "not probed"
    served_lora: Finding = "not probed"
    detail: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        return (self.architecture, self.method, self.tool)


def environment() -> dict[str, Json]:
    """The versions and the device that decide what works."""
    import torch

    has_gpu = torch.cuda.is_available()
    device = torch.cuda.get_device_name() if has_gpu else "cpu"
    return {
        "device": device,
        "instructions": torch.backends.cpu.get_cpu_capability(),
        **package_versions(),
    }


class SupportRecord:
    """The findings of all environments in one file."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def cells(self, of: dict[str, Json]) -> list[Cell]:
        """What was found in an environment, in the order of the file.

        Raises:
            CannotQuantize: the file is damaged.
        """
        found = self._read().get(_key(of), {})
        assert isinstance(found, dict)
        rows = found.get("cells", [])
        assert isinstance(rows, list)
        return [Cell(**row) for row in rows if isinstance(row, dict)]  # type: ignore[arg-type]

    def add(self, of: dict[str, Json], cells: Sequence[Cell]) -> None:
        """Keep findings; they replace older ones of the same combinations."""
        known = {cell.key: cell for cell in self.cells(of)} | {cell.key: cell for cell in cells}
        everything = self._read()
        everything[_key(of)] = {
            "environment": of,
            "cells": [asdict(known[key]) for key in sorted(known)],
        }
        make_folder(self._file.parent)
        replace_file(self._file, json.dumps(everything, indent=2).encode() + b"\n")

    def _read(self) -> dict[str, Json]:
        try:
            found: dict[str, Json] = json.loads(self._file.read_bytes())
        except FileNotFoundError:
            return {}
        except ValueError as error:
            raise CannotQuantize(f"{self._file} is damaged: remove it and probe again") from error
        return found


def _key(environment: dict[str, Json]) -> str:
    return str(Digest.of(canonical_json(environment)))
