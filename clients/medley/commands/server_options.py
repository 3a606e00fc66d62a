"""Which server a command calls, and as whom."""

import os
from typing import Annotated

import typer

ServerOption = Annotated[
    str | None,
    typer.Option(
        "--server",
        metavar="URL",
        help="The server; else MEDLEY_URL, else port 8000 here.",
        show_default=False,
    ),
]
KeyOption = Annotated[
    str | None,
    typer.Option(
        "--api-key-env",
        metavar="VARIABLE",
        help="The variable that has the access key; else MEDLEY_API_KEY.",
        show_default=False,
    ),
]


def key_in(variable: str | None) -> str | None:
    """The access key; None leaves it to the client. A key itself is no option: others see it.

    Raises:
        typer.BadParameter: the variable is not set.
    """
    if variable is None:
        return None
    if not (key := os.environ.get(variable)):
        raise typer.BadParameter(f"{variable} is not set", param_hint="--api-key-env")
    return key
