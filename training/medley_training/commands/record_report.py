"""`medley report`: everything that is recorded of versions, variants and runs, on one page."""

from pathlib import Path
from typing import Annotated

import typer
from medley_registry import Registry
from medley_registry.commands.completing import adapter_names, base_names, references
from medley_registry.commands.opening import on_registry
from medley_registry.commands.options import JsonOption
from medley_registry.commands.screen import print_json, print_line

from medley_training.commands.refusals import in_one_line


@in_one_line
@on_registry
def report(
    registry: Registry,
    refs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[REF]...",
            help="Versions, as in discharge:7; all that were measured if none is named.",
            show_default=False,
            autocompletion=references,
        ),
    ] = None,
    *,
    adapter: Annotated[
        str | None,
        typer.Option(
            "--adapter",
            metavar="NAME",
            help="Only this adapter's versions.",
            show_default=False,
            autocompletion=adapter_names,
        ),
    ] = None,
    base: Annotated[
        str | None,
        typer.Option(
            "--base",
            metavar="NAME",
            help="Only adapters of this base.",
            show_default=False,
            autocompletion=base_names,
        ),
    ] = None,
    run: Annotated[
        list[Path] | None,
        typer.Option(
            "--run",
            metavar="DIR",
            exists=True,
            file_okay=False,
            help="A run folder to tell of; several are set side by side.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", file_okay=False, help="Where the pages go.")
    ] = Path("report"),
    margin: Annotated[
        float,
        typer.Option(
            "--margin", min=0, help="How much accuracy a recommended variant may lose against bf16."
        ),
    ] = 0.02,
    as_json: JsonOption = False,
) -> None:
    """Write a report from the records alone: report.md, and report.html in one file.

    Memory and latency with reductions against bf16, accuracy with intervals, rounds, gate
    decisions, and which variant suits what by stated rules. What was not measured is listed. The
    same records give the same pages.

    \b
    Examples:
      medley report
      medley report discharge:7 --out reports/discharge-7
      medley report --adapter discharge --run runs/a --run runs/b
      medley report discharge@production --json | jq '.sections[].title'
    """
    from medley_training.reports.records.document import document
    from medley_training.reports.records.gathering import gather
    from medley_training.reports.records.recorded import Wanted
    from medley_training.reports.records.writing import write_report

    wanted = Wanted(references=tuple(refs or ()), adapter=adapter, base=base, runs=tuple(run or ()))
    made = document(gather(registry, wanted), margin=margin)
    pages = write_report(made, out)
    if as_json:
        print_json(made.to_json())
        return
    for page in pages:
        print_line(str(page))
