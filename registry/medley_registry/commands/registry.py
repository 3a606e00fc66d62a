"""`medley registry …`: make one, read its log; the rest is added from its neighbours."""

import json
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from medley_registry.commands import access, trust, upkeep
from medley_registry.commands.actor import actor
from medley_registry.commands.opening import on_registry
from medley_registry.commands.options import (
    BlobsOption,
    JsonOption,
    RegistryOption,
    TenantOption,
)
from medley_registry.commands.recording import event_record
from medley_registry.commands.screen import moment, print_json, print_line
from medley_registry.commands.upkeep_records import RegistryRecord
from medley_registry.events import Event
from medley_registry.location import locate
from medley_registry.opening import open_registry
from medley_registry.own_key import own_key, trust_own_key
from medley_registry.registry import Registry

_POLL_S = 0.2

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Make a registry, look after it, and read its event log.",
)


@app.command()
def init(
    *,
    no_key: Annotated[
        bool, typer.Option("--no-key", help="Take unsigned versions; make no key.")
    ] = False,
    as_json: JsonOption = False,
    registry: RegistryOption = None,
    blobs: BlobsOption = None,
    tenant: TenantOption = None,
) -> None:
    """Make an empty registry, unless one is there.

    A new one trusts your signing key, and so takes signed versions only. Where you have none yet,
    it is made: MEDLEY_SIGNING_KEY, else ~/.medley/signing-key.pem. Keep a copy of that file.

    \b
    Examples:
      medley registry init
      medley registry init --registry /srv/medley --no-key
      medley registry init --registry postgresql://medley@db/medley \\
        --blobs s3://medley-blobs --tenant ward-3
    """
    place = str(locate(registry, blobs=blobs, tenant=tenant))
    with open_registry(registry, create=True, blobs=blobs, tenant=tenant) as opened:
        is_new = opened.head() == 0
        key = None if no_key or not is_new else trust_own_key(opened, actor=actor())
    if as_json:
        record: RegistryRecord = {
            "place": place,
            "is_new": is_new,
            "key_id": key.key_id if key else None,
            "key_path": str(own_key()) if key else None,
        }
        print_json(record)
        return
    print_line(f"registry at {place}")
    if key:
        print_line(f"it trusts your key {key.key_id[:12]}, {own_key()}")


@app.command()
@on_registry
def events(
    registry: Registry,
    *,
    after: Annotated[int, typer.Option("--after", min=0, help="Begin behind this number.")] = 0,
    follow: Annotated[bool, typer.Option("--follow", help="Wait for more, until Ctrl-C.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per line.")] = False,
) -> None:
    """Print the log of all changes, oldest first.

    \b
    Example:
      medley registry events --after 100 --follow
    """
    with _interrupts() as is_interrupted:
        for event in _events(registry, is_interrupted, after=after, follow=follow):
            if as_json:
                typer.echo(json.dumps(event_record(event)))
            else:
                print_line(
                    f"{event.seq:>6}  {moment(event.at)}  {event.kind:<21}  {event.subject}"
                    f"  by {event.actor}{_detail(event)}"
                )


@contextmanager
def _interrupts() -> Iterator[Callable[[], bool]]:
    """Whether somebody has pressed Ctrl-C, though nothing came of it.

    Python drops a KeyboardInterrupt that happens to be raised while an object is finalized, such as
    a connection that goes back to its pool.
    """
    pressed = []

    def press(number: int, frame: object) -> None:
        pressed.append(number)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, press)
    try:
        yield lambda: bool(pressed)
    finally:
        signal.signal(signal.SIGINT, before)


def _events(
    registry: Registry, is_interrupted: Callable[[], bool], *, after: int, follow: bool
) -> Iterator[Event]:
    while True:
        if is_interrupted():
            raise KeyboardInterrupt
        page = registry.events(after=after)
        yield from page
        if page:
            after = page[-1].seq
        elif follow:
            time.sleep(_POLL_S)
        else:
            return


def _detail(event: Event) -> str:
    """What moved from where to where, and why, as far as the event tells."""
    told = event.payload
    before = told.get("from_number", told.get("from")) or "-"
    after = told.get("to_number", told.get("to"))
    move = f"  {before} → {after}" if after else ""
    return f"{move}  {told['reason']}" if told.get("reason") else move


@app.command()
def schema(
    *,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="As a page for people.")] = False,
) -> None:
    """Print the JSON Schema of everything that --json prints.

    \b
    Example:
      medley registry schema > medley-json.schema.json
    """
    from medley_registry.commands.schemas import json_schema, markdown

    if as_markdown:
        typer.echo(markdown(), nl=False)
    else:
        print_json(json_schema())


app.add_typer(upkeep.app)
app.add_typer(trust.app, name="key")
app.add_typer(access.app, name="access")
