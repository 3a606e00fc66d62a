"""Printing for people and for programs; whatever came from outside is printed inert."""

import json
import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

import typer

from medley_registry.base_folder import Progress
from medley_registry.commands.table import field_lines, table_lines
from medley_registry.inert import inert

_UNFOLDED = 1_000_000
"""Columns of a pipe: what reads from it wants whole lines."""


def print_line(text: str) -> None:
    """One line, as it is but for what a terminal would act on."""
    typer.echo(inert(text))


def print_note(text: str) -> None:
    """One line on stderr: what is said beside a command's output."""
    typer.echo(inert(text), err=True)


def print_json(value: object) -> None:
    """One JSON document; its escapes make outside text inert."""
    typer.echo(json.dumps(value, indent=2))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table as wide as the terminal allows; without rows, its head alone."""
    cells = [[inert(str(cell)) for cell in row] for row in rows]
    for line in table_lines(columns, cells, width=_width(), emphasis=_bold):
        typer.echo(line)


def print_fields(fields: Mapping[str, object]) -> None:
    """Names and values, one below the other."""
    cells = [(name, inert(str(value))) for name, value in fields.items()]
    for line in field_lines(cells, width=_width()):
        typer.echo(line)


def confirm(question: str, *, is_sure: bool) -> None:
    """Ask someone at a terminal, unless he is sure; a script is taken at its word.

    Raises:
        typer.Abort: the answer is no.
    """
    if not is_sure and sys.stdin.isatty():
        typer.confirm(inert(question), abort=True, err=True)


@contextmanager
def progress_bar(what: str, *, unit: str = "bytes") -> Iterator[Progress]:
    """Show on stderr how far something is, while it runs; nothing where nobody looks.

    The bar moves to and fro until it is first told of an amount.
    """
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    amount = DownloadColumn() if unit == "bytes" else MofNCompleteColumn()
    columns = (what, BarColumn(), amount, TimeRemainingColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def counted(number: int, noun: str) -> str:
    """For example ``1 blob``, ``2 blobs``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def moment(at: datetime) -> str:
    """A point in time to the second, in UTC."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def day(at: datetime) -> str:
    """Its day, in UTC."""
    return at.astimezone(UTC).strftime("%Y-%m-%d")


def size(size_bytes: int) -> str:
    """A size for people, for example ``1.8 MB``."""
    amount = float(size_bytes)
    for unit in ("bytes", "kB", "MB"):
        if amount < 1000:
            return f"{amount:.3g} {unit}"
        amount /= 1000
    return f"{amount:.3g} GB"


def _bold(text: str) -> str:
    return typer.style(text, bold=True)


def _width() -> int:
    if sys.stdout.isatty() or os.environ.get("COLUMNS"):
        return shutil.get_terminal_size().columns
    return _UNFOLDED
