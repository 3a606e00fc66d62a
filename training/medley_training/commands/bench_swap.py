"""`medley bench swap`: what requests see while versions are exchanged, here and in plain vLLM."""

import tempfile
from pathlib import Path
from typing import Annotated

import typer
from medley_registry import Registry
from medley_registry.commands.opening import on_registry
from medley_registry.commands.options import JsonOption
from medley_registry.commands.screen import print_json, print_note, print_table, progress_bar

from medley_training.commands.refusals import in_one_line
from medley_training.commands.stopping import stopped_by_sigterm


@in_one_line
@on_registry
def bench_swap(
    registry: Registry,
    references: Annotated[
        list[str], typer.Argument(metavar="REF...", help="Versions whose shapes are exchanged.")
    ],
    *,
    swaps: Annotated[int, typer.Option(min=2, help="How many.")] = 50,
    gap: Annotated[float, typer.Option(min=0.1, help="Seconds from one to the next.")] = 1.0,
    askers: Annotated[int, typer.Option(min=1, max=256, help="Requests in flight.")] = 8,
    peer: Annotated[bool, typer.Option(help="Let plain vLLM do the same.")] = True,
    seed: Annotated[int, typer.Option(min=0, help="Of prompts and stand-ins.")] = 0,
    engine_flags: Annotated[
        list[str] | None,
        typer.Option("--engine-flag", help="For vLLM; may be repeated.", show_default=False),
    ] = None,
    logs: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            file_okay=False,
            help="Keeps the servers' logs.",
            show_default=False,
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Exchange versions under load, and hold every token against the version it should be from.

    Four adapters with two versions each answer streamed and plain requests while one after the
    other is promoted to its other version. Their contents are made for it: the shapes are those of
    the REFs, and each one's answers are its own. Then plain vLLM does the same by loading in place.
    Served in float32, so that a version's answers do not depend on what else is in the batch.

    \b
    Examples:
      medley bench swap triage-note:1
      medley bench swap triage-note:1 --swaps 10 --no-peer
      medley bench swap discharge:3 --askers 32 --json
    """
    from medley_training.benchmarks.swaps.figures import table
    from medley_training.benchmarks.swaps.rehearsal import SwapPlan
    from medley_training.benchmarks.swaps.running import bench_swaps

    versions = [registry.resolve(reference) for reference in references]
    plan = SwapPlan(swaps=swaps, gap_s=gap, askers=askers)
    done = 0
    with (
        stopped_by_sigterm(),
        tempfile.TemporaryDirectory(prefix="medley-bench-swap-") as aside,
        progress_bar("Swapping", unit="swaps") as progress,
    ):
        total = swaps * (2 if peer else 1)

        def count(more: int) -> None:
            nonlocal done
            done += more
            progress(done, total)

        kept = logs or Path(aside) / "logs"
        kept.mkdir(parents=True, exist_ok=True)
        found = bench_swaps(
            registry,
            versions,
            plan,
            folder=Path(aside),
            logs=kept,
            seed=seed,
            has_peer=peer,
            engine_flags=engine_flags or (),
            progress=count,
        )
    if as_json:
        print_json({"servers": [one.to_json() for one in found]})
        return
    print_table(("", *(one.server.upper() for one in found)), table(found))
    for one in found:
        if one.first_error:
            print_note(f"{one.server}: the first failure: {one.first_error}")
