"""`medley train report`: what a run did, and what left each site."""

from pathlib import Path
from typing import Annotated

import typer
from medley_registry.commands.options import JsonOption
from medley_registry.commands.screen import print_json, print_line, print_note

from medley_training.commands.refusals import in_one_line


@in_one_line
def report(
    run: Annotated[
        Path, typer.Argument(metavar="RUN", exists=True, file_okay=False, show_default=False)
    ],
    *,
    as_json: JsonOption = False,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FILE",
            dir_okay=False,
            help="Where the page goes.  [default: report.html in the run folder]",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Print what left each site; write the run's page with plots.

    The run may still go on; the report is of what its log and its files hold now. What is printed
    is Markdown, or JSON.

    \b
    Examples:
      medley train report runs/smoke
      medley train report runs/smoke --json
      medley train report runs/smoke --out smoke.html > smoke-privacy.md
    """
    from medley_training.reports.page import run_report
    from medley_training.reports.privacy import privacy_report
    from medley_training.reports.privacy_text import markdown

    found = privacy_report(run)
    page = run_report(run, page=out)
    if as_json:
        print_json(found.to_json())
    else:
        for line in markdown(found).splitlines():
            print_line(line)
    print_note(f"{page} shows the run")
