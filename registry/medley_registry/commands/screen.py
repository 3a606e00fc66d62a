"""Printing for people and for programs; whatever came from outside is printed inert."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

import typer

from medley_registry.canonical import Json
from medley_registry.inert import inert


def print_line(text: str) -> None:
    """One line, as it is but for what a terminal would act on."""
    typer.echo(inert(text))


def print_json(value: Json) -> None:
    """One JSON document; its escapes make outside text inert."""
    typer.echo(json.dumps(value, indent=2))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table as wide as the terminal allows; long cells are folded, never cut."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        # Text is taken literally, where a plain string would be read for markup.
        table.add_row(*(Text(inert(str(cell))) for cell in row))
    Console(highlight=False).print(table)


def print_fields(fields: Mapping[str, object]) -> None:
    """Names and values, one below the other."""
    width = max(map(len, fields))
    for name, value in fields.items():
        print_line(f"{name:<{width}}  {value}")


def moment(at: datetime) -> str:
    """A point in time to the second, in UTC."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def size(size_bytes: int) -> str:
    """A size for people, for example ``1.8 MB``."""
    amount = float(size_bytes)
    for unit in ("bytes", "kB", "MB"):
        if amount < 1000:
            return f"{amount:.3g} {unit}"
        amount /= 1000
    return f"{amount:.3g} GB"
