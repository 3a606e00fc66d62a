"""The `medley` command.

Its sub-commands are entry points of the group ``medley.commands``: a `typer.Typer`, or a function
that becomes one command. Only the one used is imported, so `medley adapter list` never waits for
torch, and a light install without the server still has the rest.

Exit codes: 0 done; 1 refused or failed, with one line on stderr; 2 wrong usage; 130 interrupted.
"""

import gc
import os
import sys
from collections.abc import Sequence
from importlib import metadata
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from medley.completion import completion, is_asked

_DISTRIBUTION = "medley"
_GROUP = "medley.commands"
# One line each, kept here because asking a sub-command for its own would import it.
_SUMMARIES = {
    "demo": "Show the whole story on this machine, with a small real model.",
    "extract": "Read medical documents: what they say, and where it stands.",
    "chat": "Talk to the versions that a server has.",
    "serve": "Serve a base model and its adapters, OpenAI-compatible.",
    "bench": "Measure what versions cost to serve, in every variant.",
    "eval": "Ask what is served, and record how right it was.",
    "quantize": "Make smaller forms of a base, and frozen exports of versions.",
    "train": "Train adapters with several hospitals that keep their data.",
    "report": "Write up what is recorded of versions, variants and runs.",
    "adapter": "Publish adapters, and decide which version is in use.",
    "base": "Register base models, which adapters are checked against.",
    "registry": "Make a registry, look after it, and read its event log.",
    "completion": "Print the script that lets a shell complete all this.",
}
_BUILT_IN = {"completion": completion}
# They end soon, and what they make first of all is modules, which stay: collecting garbage while
# they are imported takes a tenth of the time.
_BRIEF = frozenset({"adapter", "base", "registry"})
_BRIEF_THRESHOLD = 50_000


class EntryPointGroup(TyperGroup):
    """A group that lists its commands by name, and imports one when it is called."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        found = metadata.distribution(_DISTRIBUTION).entry_points.select(group=_GROUP)
        self._entry_points = {entry_point.name: entry_point for entry_point in found}
        there = self._entry_points.keys() | _BUILT_IN
        in_order = [*_SUMMARIES, *sorted(there - _SUMMARIES.keys())]
        self.commands = {
            name: TyperCommand(name=name, help=_SUMMARIES.get(name))
            for name in in_order
            if name in there
        }

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        name, _, rest = super().resolve_command(ctx, args)
        return name, self._load(name) if name else None, rest

    def _load(self, name: str) -> Any:
        if name in _BRIEF:
            gc.set_threshold(_BRIEF_THRESHOLD)
        loaded = _BUILT_IN.get(name) or self._entry_points[name].load()
        if not isinstance(loaded, typer.Typer):
            single = typer.Typer(add_completion=False, rich_markup_mode=None)
            single.command(name)(loaded)
            loaded = single
        return get_command(loaded)


app = typer.Typer(
    cls=EntryPointGroup,
    no_args_is_help=True,
    rich_markup_mode=None,
    # With it Typer answers shells, and has options of its own, for which there is `completion`.
    add_completion=is_asked(),
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"medley {metadata.version(_DISTRIBUTION)}")
        raise typer.Exit


@app.callback()
def medley(
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Serve many LoRA adapter versions from one engine; publish, promote and roll back.

    \b
    Begin with:
      medley demo                 the whole story, on this machine
      medley registry init        an empty registry in ~/.medley/registry
      medley adapter list         what is published, and what is in production
    """


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit; `arguments` stands for ``sys.argv[1:]``."""
    try:
        try:
            get_command(app).main(args=arguments, prog_name=_DISTRIBUTION)
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        # The reader of our output has left. Python would try, and complain, once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except Exception as error:  # the process's edge
        if not _print_error(error):
            raise
    sys.exit(1)


def _print_error(error: Exception) -> bool:
    """One line, if it is something that people can do anything about."""
    from medley_registry.errors import RegistryError  # costs as much as all the rest of --help
    from medley_registry.inert import inert

    from medley.errors import MedleyError

    if not isinstance(error, RegistryError | MedleyError | OSError):
        return False
    typer.echo(f"error: {inert(str(error))}", err=True)
    return True


if __name__ == "__main__":
    main()
