"""How large a run's adapter and base are, as the log's first line says it."""

from math import prod
from pathlib import Path

from medley_registry.safetensors_header import HeaderLimits, read_header

from medley_training.rounds.events import RunStarted
from medley_training.rounds.run import Run

_WEIGHTS = "*.safetensors"
# A base has more tensors than an adapter may.
_LIMITS = HeaderLimits(header_bytes=64 << 20, tensors=1 << 20)


def run_started(run: Run) -> RunStarted:
    """The event that begins a run, or goes on with it."""
    recipe = run.recipe
    files = sorted(run.base.path.glob(_WEIGHTS))
    return RunStarted(
        run=run.name,
        recipe=recipe.name,
        strategy=recipe.strategy.name,
        rounds=recipe.rounds,
        sites=recipe.sites.names,
        base=run.base.name,
        trainable_parameters=_trainable(run),
        base_parameters=sum(_parameters(path) for path in files),
        base_bytes=sum(path.stat().st_size for path in files),
        resumed=run.is_resumed,
    )


def _trainable(run: Run) -> int:
    """The parameters of one adapter of full rank: rank · (outputs + inputs) per module."""
    lora = run.recipe.lora
    shapes = [
        shape
        for module, shape in run.base.module_shapes.items()
        if module.rsplit(".", 1)[-1] in lora.target_modules
    ]
    return lora.rank * sum(sum(shape) for shape in shapes)


def _parameters(path: Path) -> int:
    """The numbers in a safetensors file, out of its header."""
    with path.open("rb") as stream:
        header = read_header(stream, limits=_LIMITS)
    return sum(prod(entry.shape) for entry in header.values())
