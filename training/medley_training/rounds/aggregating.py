"""The fourth phase of a round: the ballot's contributions become one adapter.

The same function computes the aggregate and verifies it later, so nothing but the ballot, the
contributions, the start and the state before may go into it.
"""

import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medley_registry.digest import Digest
from medley_registry.errors import InvalidReference

from medley_training.errors import RunDamaged
from medley_training.factors import AdapterFile, write_adapter
from medley_training.local.determinism import reproducible
from medley_training.local.lora import WEIGHTS_FILE
from medley_training.recipe import Recipe
from medley_training.rounds.ballot import Ballot, open_start, open_votes
from medley_training.rounds.root import root_file
from medley_training.rounds.run_folder import Phase, RoundFolder, RunFolder, read_json, write_bytes
from medley_training.strategies.base import Context, Outcome, Strategy

if TYPE_CHECKING:
    from torch import Tensor


_DIGESTS = ("output", "next_start", "state")


@dataclass(frozen=True, slots=True, kw_only=True)
class Aggregate:
    """What a round came to, by the digests of its files.

    Attributes:
        output: SHA-256 of the served adapter's weights.
        next_start: The same of what the next round begins from.
        state: The same of the strategy's state; None where it has none.
        rank: The served adapter's rank.
        weights: What each site's change counted in the end.
    """

    output: Digest
    next_start: Digest
    state: Digest | None
    rank: int
    weights: dict[str, float]
    notes: tuple[str, ...]
    size_bytes: int

    def to_json(self) -> dict[str, Any]:
        """What `of` reads back."""
        digests = {name: str(getattr(self, name) or "") for name in _DIGESTS}
        return {**asdict(self), **digests}

    @classmethod
    def of(cls, folder: RoundFolder) -> "Aggregate":
        """The aggregate of a round that has come so far.

        Raises:
            RunDamaged: The round's record of it is missing or damaged.
        """
        path = folder.marker(Phase.AGGREGATED)
        found = read_json(path)
        try:
            digests = {n: Digest.parse(found[n]) if found[n] else None for n in _DIGESTS}
            return cls(**{**found, **digests, "notes": tuple(found["notes"])})
        except (KeyError, TypeError, ValueError, InvalidReference) as error:
            raise RunDamaged(f"{path} is no aggregate: {error}") from error


def aggregate(
    folder: RunFolder,
    number: int,
    ballot: Ballot,
    *,
    recipe: Recipe,
    strategy: Strategy,
    base_name: str,
    out: Path,
) -> Aggregate:
    """Put a round's contributions together and write the result under `out`.

    Args:
        folder: The run's folder, which is only read.
        number: The round, counted from 1.
        ballot: What is counted.
        recipe: Gives the shape that is trained.
        strategy: The recipe's.
        base_name: The base model's name, for the adapters' configuration.
        out: Where ``served/``, ``next/`` and ``state.safetensors`` go; emptied first.
    """
    round_folder = folder.round(number)
    shape = recipe.lora.shape()
    root = AdapterFile(root_file(round_folder), shape) if ballot.root else None
    context = Context(
        start=open_start(round_folder, shape),
        round=number,
        shape=shape,
        root=root,
        seed=recipe.seed,
    )
    before = {} if number == 1 else read_state(folder.round(number - 1).state)
    # Sums are split by thread; one thread computes the same bits on every machine.
    with reproducible(recipe.seed, threads=1):
        outcome = strategy.aggregate(context, open_votes(round_folder, ballot), before)
    shutil.rmtree(out, ignore_errors=True)
    write_adapter(outcome.served, out / "served", shape, base_name=base_name)
    write_adapter(outcome.next_start, out / "next", shape, base_name=base_name)
    return _described(outcome, out)


def read_state(path: Path) -> "dict[str, Tensor]":
    """A strategy's state; empty where it left none."""
    from safetensors.torch import load

    return load(path.read_bytes()) if path.exists() else {}


def _described(outcome: Outcome, out: Path) -> Aggregate:
    from safetensors.torch import save

    state = None
    if outcome.state:
        data = save({name: t.contiguous() for name, t in sorted(outcome.state.items())})
        write_bytes(out / "state.safetensors", data)
        state = Digest.of(data)
    served = (out / "served" / WEIGHTS_FILE).read_bytes()
    return Aggregate(
        output=Digest.of(served),
        next_start=Digest.of((out / "next" / WEIGHTS_FILE).read_bytes()),
        state=state,
        rank=max(outcome.served.factors(m).rank for m in outcome.served.modules),
        weights=dict(outcome.weights),
        notes=outcome.notes,
        size_bytes=len(served),
    )
