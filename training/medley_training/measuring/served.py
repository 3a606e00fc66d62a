"""One variant of a base, served by a process of its own for as long as something is measured."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medley.server_process import ServerProcess
from medley_registry import BaseModel
from medley_registry.location import Location
from medley_registry.variants import VariantKind

from medley_training.errors import NotMeasured

_ANSWER_LIMIT_S = 60


@dataclass(frozen=True, slots=True)
class Served:
    """A server that is ready.

    Attributes:
        base: what it serves.
        variant: in which form.
        process: what it runs in.
        load_s: from the start of its process until it was ready.
    """

    base: BaseModel
    variant: VariantKind
    process: ServerProcess
    load_s: float

    @property
    def url(self) -> str:
        """Its address, without a path."""
        return self.process.url

    def facts(self, *, reset: bool = False) -> dict[str, Any]:
        """What `GET /benchmark` says now: engine, kernel, memory by component.

        Args:
            reset: let peaks be counted from now on.

        Raises:
            NotMeasured: the server does not answer, or not with that.
        """
        import httpx

        where = f"{self.url}/benchmark"
        try:
            answer = httpx.get(
                where,
                params={"reset": "true"} if reset else {},
                timeout=_ANSWER_LIMIT_S,
                trust_env=False,
            )
            answer.raise_for_status()
            found: dict[str, Any] = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise NotMeasured(f"{where} does not say what is served: {error}") from error
        return found


@contextmanager
def served(
    base: BaseModel,
    registry: Location | Path | str,
    *,
    variant: VariantKind,
    log: Path,
    max_loras: int | None = None,
    options: Sequence[str] = (),
    engine_flags: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
    home: Path | None = None,
) -> Iterator[Served]:
    """Serves a variant of `base`, ready on entry and stopped on exit.

    Args:
        base: registered in that registry.
        registry: where that is; see `ServerProcess`.
        variant: bf16, nf4 or awq.
        log: the file that takes what the server prints.
        max_loras: adapters in one batch, 0 for an engine without LoRA; None for serve's default.
        options: more of `medley serve`'s own.
        engine_flags: for vLLM.
        environment: variables of the server, on top of this process's; see `ServerProcess`.
        home: MEDLEY_HOME of the server; None for this process's own.

    Raises:
        ServerDidNotStart: it ended, or took longer than ten minutes.
    """
    told = ["--variant", variant.value, *options]
    if max_loras is not None:
        told += ["--max-loras", str(max_loras)]
    process = ServerProcess(
        base.name,
        registry,
        log=log,
        home=home,
        options=told,
        engine_flags=engine_flags,
        environment=environment,
    )
    with process:
        yield Served(base, variant, process, process.wait())
