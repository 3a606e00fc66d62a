"""`medley registry access …`: who may call over HTTP."""

from datetime import datetime
from typing import Annotated

import typer

from medley_registry import timestamps
from medley_registry.commands.actor import actor
from medley_registry.commands.arguments import deadline
from medley_registry.commands.completing import access_key_ids
from medley_registry.commands.opening import on_registry
from medley_registry.commands.options import JsonOption
from medley_registry.commands.recording import access_key_record
from medley_registry.commands.records import GrantedKeyRecord
from medley_registry.commands.screen import (
    day,
    moment,
    print_json,
    print_line,
    print_note,
    print_table,
)
from medley_registry.keys import AccessKey
from medley_registry.registry import Registry

app = typer.Typer(no_args_is_help=True, help="Say who may call a server, and for what.")


@app.command()
@on_registry
def add(
    registry: Registry,
    name: Annotated[str, typer.Argument(metavar="WHO", show_default=False)],
    *,
    scopes: Annotated[
        list[str],
        typer.Option(
            "--scope",
            help="infer, infer:ADAPTERS, publish, promote:ALIAS, promote:* or admin; repeatable.",
            show_default=False,
        ),
    ],
    until: Annotated[
        datetime | None,
        typer.Option(
            "--until",
            parser=deadline,
            metavar="DAY|TIME",
            help="It opens nothing later.",
            show_default=False,
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make a key for WHO, and print its secret.

    It is printed this once, for only its hash is kept.

    \b
    Example:
      medley registry access add bob --scope publish --scope promote:canary
    """
    key, secret = registry.access.add(name, scopes=scopes, actor=actor(), expires_at=until)
    if as_json:
        record: GrantedKeyRecord = {**access_key_record(key), "secret": secret}
        print_json(record)
        return
    print_note(f"key {key.key_id} for {key.name}: {', '.join(key.scopes)}; it is shown once:")
    print_line(secret)


@app.command("list")
@on_registry
def list_(registry: Registry, *, as_json: JsonOption = False) -> None:
    """List the keys that open a server, or did.

    \b
    Example:
      medley registry access list
    """
    keys = registry.access.keys()
    if as_json:
        print_json([access_key_record(key) for key in keys])
        return
    rows = [
        (key.key_id, key.name, ", ".join(key.scopes), day(key.created_at), _end(key))
        for key in keys
    ]
    print_table(("KEY", "WHO", "SCOPES", "MADE", "UNTIL"), rows)


@app.command()
@on_registry
def revoke(
    registry: Registry,
    key_id: Annotated[
        str, typer.Argument(metavar="KEYID", show_default=False, autocompletion=access_key_ids)
    ],
    *,
    as_json: JsonOption = False,
) -> None:
    """Let a key open nothing any more.

    \b
    Example:
      medley registry access revoke 0a1b2c3d4e5f6071
    """
    key = registry.access.revoke(key_id, actor=actor())
    if as_json:
        print_json(access_key_record(key))
    else:
        print_line(f"{key.key_id} ({key.name}) is revoked")


def _end(key: AccessKey) -> str:
    if key.revoked_at:
        return f"revoked {moment(key.revoked_at)}"
    if key.expires_at is None:
        return "open"
    is_over = key.expires_at < timestamps.now()
    return f"{'expired ' if is_over else ''}{moment(key.expires_at)}"
