"""The first phase of a round: who is asked, and what exactly."""

from collections.abc import Mapping
from pathlib import Path
from random import Random

from medley_registry.digest import Digest

from medley_training.errors import RunDamaged
from medley_training.factors import Adapter, AdapterFile, write_adapter
from medley_training.identity.envelope import Envelope
from medley_training.identity.task import Task, fresh_nonce
from medley_training.local.lora import WEIGHTS_FILE, LoraShape
from medley_training.rounds.assignment import Assignment
from medley_training.rounds.run import Run
from medley_training.rounds.run_folder import Phase, RoundFolder, write_bytes, write_json
from medley_training.rounds.start import first_start
from medley_training.strategies.base import Strategy
from medley_training.strategies.reproject import truncated


def configure(run: Run, round_folder: RoundFolder, strategy: Strategy) -> None:
    """Write the round's start adapters and signed tasks; the marker comes last.

    A nonce is drawn once and kept with its task, so a round taken up again asks the same.
    """
    _write_starts(run, round_folder)
    sites = chosen_sites(run, round_folder.number)
    for site in sites:
        if not round_folder.task(site).exists():
            task = _task(run, round_folder, strategy, site)
            write_bytes(round_folder.task(site), task.seal(run.key).to_json().encode())
    write_json(round_folder.marker(Phase.CONFIGURED), {"sites": list(sites)})


def chosen_sites(run: Run, round_number: int) -> tuple[str, ...]:
    """The sites that a round asks: all, or as many as the recipe draws."""
    sites = run.recipe.sites
    if sites.per_round is None:
        return sites.names
    random = Random(f"{run.recipe.seed} sites of round {round_number}")  # noqa: S311 - no secret
    return tuple(sorted(random.sample(sites.names, sites.per_round)))


def start_file(round_folder: RoundFolder, rank: int) -> Path:
    """The weights that participants of a rank begin from."""
    return round_folder.start / f"rank-{rank}" / WEIGHTS_FILE


def read_task(run: Run, round_folder: RoundFolder, site: str) -> Task:
    """The task that a site was given.

    Raises:
        RunDamaged: It is missing.
        BadSignature: It was changed.
    """
    try:
        text = round_folder.task(site).read_text(encoding="utf-8")
    except OSError as error:
        raise RunDamaged(f"the task of {site} is missing: {error}") from error
    return Task.open(Envelope.from_json(text), [run.key.public])


def _write_starts(run: Run, round_folder: RoundFolder) -> None:
    """A start for each rank that some site trains, all of the same product as far as they can."""
    recipe = run.recipe
    full: Adapter
    if round_folder.number == 1:
        orthonormal = recipe.privacy.mechanism == "product"
        full = first_start(run.base, recipe.lora.shape(), seed=recipe.seed, orthonormal=orthonormal)
    else:
        before = run.folder.round(round_folder.number - 1)
        full = AdapterFile(before.next_start / WEIGHTS_FILE, recipe.lora.shape())
    for shape in _shapes(run).values():
        folder = start_file(round_folder, shape.rank).parent
        write_adapter(truncated(full, shape), folder, shape, base_name=run.base.name)


def _shapes(run: Run) -> Mapping[int, LoraShape]:
    lora = run.recipe.lora
    shapes = [lora.shape(), *(lora.shape(site) for site in run.recipe.sites.names)]
    return {shape.rank: shape for shape in shapes}


def _task(run: Run, round_folder: RoundFolder, strategy: Strategy, site: str) -> Task:
    recipe = run.recipe
    number = round_folder.number
    seed = _site_seed(recipe.seed, number, site)
    shape = recipe.lora.shape(site)
    assignment = Assignment(
        training=recipe.training.plan(
            number, rounds=recipe.rounds, seed=seed, proximal_mu=strategy.mu
        ),
        max_tokens=recipe.training.max_tokens,
        wants_loss=strategy.needs_loss,
    )
    return Task(
        run=run.name,
        round=number,
        participant=site,
        nonce=fresh_nonce(),
        start=Digest.of(start_file(round_folder, shape.rank).read_bytes()),
        base=run.base.base_id,
        quantization=recipe.base.precision.name,
        shape=shape,
        trains=tuple(sorted(strategy.trained(number))),  # type: ignore[arg-type]
        plan=assignment.to_json(),
        codec=recipe.codec,
        privacy=recipe.privacy.model_dump(mode="json"),
        seed=seed,
        max_examples=recipe.training.max_examples,
    )


def _site_seed(seed: int, round_number: int, site: str) -> int:
    """A seed of its own for each site and round: equal orders everywhere would correlate."""
    return int.from_bytes(
        bytes.fromhex(Digest.of(f"{seed} {round_number} {site}".encode()).hex)[:4]
    )
