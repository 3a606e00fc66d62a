"""How a command ends that was refused."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

import typer
from medley_registry.inert import inert

from medley_training.errors import TrainingError

Given = ParamSpec("Given")


def in_one_line(command: Callable[Given, None]) -> Callable[Given, None]:
    """Let a refusal be one line on stderr and exit code 1."""

    @wraps(command)
    def refusable(*args: Given.args, **given: Given.kwargs) -> None:
        try:
            command(*args, **given)
        except TrainingError as error:
            typer.echo(f"error: {inert(str(error))}", err=True)
            raise typer.Exit(1) from error

    return refusable
