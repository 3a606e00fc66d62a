"""`medley registry …`."""

import json
import time
from collections.abc import Iterator
from typing import Annotated

import typer

from medley_registry.commands.options import RegistryOption
from medley_registry.commands.records import event_record
from medley_registry.commands.screen import moment, print_line
from medley_registry.events import Event
from medley_registry.location import registry_folder
from medley_registry.opening import open_registry
from medley_registry.registry import Registry

_POLL_S = 0.2

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Make a registry, and read its event log.",
)


@app.command()
def init(registry: RegistryOption = None) -> None:
    """Make an empty registry, unless one is there.

    \b
    Example:
      medley registry init --registry /srv/medley
    """
    open_registry(registry, create=True).close()
    print_line(f"registry at {registry_folder(registry)}")


@app.command()
def events(
    *,
    after: Annotated[int, typer.Option("--after", min=0, help="Begin behind this number.")] = 0,
    follow: Annotated[bool, typer.Option("--follow", help="Wait for more, until Ctrl-C.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per line.")] = False,
    registry: RegistryOption = None,
) -> None:
    """Print the log of all changes, oldest first.

    \b
    Example:
      medley registry events --after 100 --follow
    """
    with open_registry(registry) as opened:
        for event in _events(opened, after=after, follow=follow):
            if as_json:
                typer.echo(json.dumps(event_record(event)))
            else:
                print_line(
                    f"{event.seq:>6}  {moment(event.at)}  {event.kind:<17}  {event.subject}"
                    f"  by {event.actor}"
                )


def _events(registry: Registry, *, after: int, follow: bool) -> Iterator[Event]:
    while True:
        page = registry.events(after=after)
        yield from page
        if page:
            after = page[-1].seq
        elif follow:
            time.sleep(_POLL_S)
        else:
            return
