"""Probing what works: tiny random models are really quantized, and really served.

They show that a combination runs on this machine with these versions, and nothing of its quality.
"""

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from medley.errors import ServerDidNotStart
from medley.server_process import ServerProcess
from medley_registry.bases import BaseModel
from medley_registry.errors import RegistryError
from medley_registry.opening import open_registry
from medley_registry.registry import Registry

from medley_training.errors import CannotQuantize, TrainingError
from medley_training.quantizing.awq_settings import AwqSettings
from medley_training.quantizing.choosing import Wanted, base_maker
from medley_training.quantizing.making import make_base
from medley_training.quantizing.probe_adapter import publish_probe
from medley_training.quantizing.served_probe import answers_by_adapter
from medley_training.quantizing.support_record import Cell, Finding
from medley_training.quantizing.tiny_architectures import ARCHITECTURES, save_tiny

WAYS = (("bf16", ""), ("nf4", ""), ("awq", "autoawq"), ("awq", "llm-compressor"))
"""Each method with its tool."""
_SMALL = AwqSettings(samples=2, tokens=32)
_ACTOR = "medley quantize --probe"


def whole_matrix(found: Sequence[Cell]) -> list[Cell]:
    """Every combination there is, with what was found of it."""
    known = {cell.key: cell for cell in found}
    every = (
        Cell(architecture=architecture, method=method, tool=tool)
        for architecture in ARCHITECTURES
        for method, tool in WAYS
    )
    return [known.get(cell.key, cell) for cell in every]


def probe(architectures: Sequence[str], *, with_serving: bool) -> Iterator[Cell]:
    """Try every method on each architecture, a cell at a time.

    Args:
        architectures: Of `ARCHITECTURES`; ``all`` stands for all of them.
        with_serving: Also start `medley serve` on each variant and ask it for an adapter.

    Raises:
        CannotQuantize: there is no such architecture.
    """
    chosen = ARCHITECTURES if "all" in architectures else architectures
    for architecture in chosen:
        if architecture not in ARCHITECTURES:
            known = ", ".join(ARCHITECTURES)
            raise CannotQuantize(f"no architecture {architecture!r} is probed; there are {known}")
    for architecture in chosen:
        with tempfile.TemporaryDirectory(prefix="medley-probe-") as scratch:
            bench = _Bench(architecture, Path(scratch))
            for method, tool in WAYS:
                yield bench.probe(method, tool, with_serving=with_serving)


@dataclass(frozen=True, slots=True)
class _Bench:
    """A scratch registry with one tiny base and an adapter for it."""

    architecture: str
    home: Path

    def probe(self, method: str, tool: str, *, with_serving: bool) -> Cell:
        cell = Cell(architecture=self.architecture, method=method, tool=tool)
        with open_registry(self.home / "registry", create=True) as registry:
            try:
                base = self._variant(registry, method, tool)
            except CannotQuantize as error:
                is_refusal = tool == "autoawq" and "knows no" in str(error)
                return replace(
                    cell, made="refused" if is_refusal else "failed", detail=_line(error)
                )
            except (TrainingError, RegistryError, ValueError, TypeError, RuntimeError) as error:
                return replace(cell, made="failed", detail=_line(error))
        cell = replace(cell, made="works")
        return self._serve(cell, base.name) if with_serving else cell

    def _variant(self, registry: Registry, method: str, tool: str) -> BaseModel:
        origin = self._origin(registry)
        if method == "bf16":
            return origin
        name = f"tiny-{method}-{tool}".rstrip("-")
        return make_base(
            registry,
            origin,
            base_maker(origin, Wanted(method=method, tool=tool or None, settings=_SMALL)),
            name=name,
            folder=self.home / name,
            actor=_ACTOR,
            progress=lambda done, total: None,
        )

    def _origin(self, registry: Registry) -> BaseModel:
        folder = self.home / "tiny"
        if not folder.is_dir():
            save_tiny(self.architecture, folder)
            base = registry.add_base("tiny", folder, actor=_ACTOR)
            publish_probe(registry, base, self.home / "adapter")
        return registry.base("tiny")

    def _serve(self, cell: Cell, base: str) -> Cell:
        server = ServerProcess(
            base,
            self.home / "registry",
            log=self.home / f"{base}.log",
            home=self.home,
            engine_flags=("--max-model-len", "256"),
        )
        try:
            with server:
                server.wait()
                is_told_apart = answers_by_adapter(server.url, base)
        except (ServerDidNotStart, OSError) as error:
            return replace(cell, served="failed", detail=_line(error))
        detail = "" if is_told_apart else "the adapter changed no answer"
        finding: Finding = "works" if is_told_apart else "failed"
        return replace(cell, served="works", served_lora=finding, detail=detail)


def _line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[-1][:300]
