"""How a run that is done is told of."""

import json
from pathlib import Path
from typing import Any

import typer
from medley_registry.commands.screen import print_fields


def show_summary(summary: dict[str, Any], folder: Path, *, as_json: bool) -> None:
    """The last version and where the rest is; as JSON all of it, in one line."""
    if as_json:
        typer.echo(json.dumps(summary, sort_keys=True))
        return
    print_fields(
        {
            "version": summary["version"],
            "digest": summary["digest"],
            "run": str(folder),
            "report": str(folder / "report.html"),
        }
    )
