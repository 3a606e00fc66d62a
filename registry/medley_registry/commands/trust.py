"""`medley registry key …`: whose signatures count."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from medley_registry import timestamps
from medley_registry.commands.actor import actor
from medley_registry.commands.arguments import deadline
from medley_registry.commands.completing import key_ids
from medley_registry.commands.keys import found_key, public_key_in
from medley_registry.commands.opening import on_registry
from medley_registry.commands.options import JsonOption, ReasonOption, YesOption
from medley_registry.commands.recording import trusted_key_record
from medley_registry.commands.screen import confirm, moment, print_json, print_line, print_table
from medley_registry.keys import TrustedKey
from medley_registry.registry import Registry

app = typer.Typer(
    no_args_is_help=True,
    help="Say whose signatures count. With the first key the registry asks for signatures.",
)

KeyIdArgument = Annotated[
    str, typer.Argument(metavar="KEYID", show_default=False, autocompletion=key_ids)
]


@app.command()
@on_registry
def trust(
    registry: Registry,
    file: Annotated[
        Path, typer.Argument(metavar="KEY.pem", exists=True, dir_okay=False, show_default=False)
    ],
    *,
    name: Annotated[str, typer.Option("--name", help="Whose it is.", show_default=False)],
    until: Annotated[
        datetime | None,
        typer.Option(
            "--until",
            parser=deadline,
            metavar="DAY|TIME",
            help="Signatures made later do not count.",
            show_default=False,
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Trust the public key in KEY.pem from now on.

    If it is a private one, its public half is meant.

    \b
    Example:
      medley registry key trust ward.pem --name "ward 3" --until 2027-12-31
    """
    key = registry.trust.add(public_key_in(file), name=name, actor=actor(), valid_until=until)
    if as_json:
        print_json(trusted_key_record(key))
    else:
        print_line(f"{key.key_id} is trusted as {key.name}")


@app.command()
@on_registry
def distrust(
    registry: Registry,
    key_id: KeyIdArgument,
    *,
    reason: ReasonOption,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Let no signature of a key count any more, old or new.

    There is no way back. KEYID is at least the first 8 digits. On a terminal it asks first.

    \b
    Example:
      medley registry key distrust 3f2a91c0 --reason "lost with the laptop"
    """
    key = found_key(registry, key_id)
    confirm(
        f"What only {key.name} ({key.key_id[:12]}) signed will not be served. Go on?", is_sure=yes
    )
    gone = registry.trust.distrust(key.key_id, actor=actor(), reason=reason)
    if as_json:
        print_json(trusted_key_record(gone))
    else:
        print_line(f"{gone.key_id} is trusted no longer")


@app.command("list")
@on_registry
def list_(registry: Registry, *, as_json: JsonOption = False) -> None:
    """List the keys that are trusted, or were.

    \b
    Example:
      medley registry key list
    """
    keys = registry.trust.keys()
    if as_json:
        print_json([trusted_key_record(key) for key in keys])
        return
    rows = [(key.key_id[:12], key.name, moment(key.valid_from), _end(key)) for key in keys]
    print_table(("KEY", "NAME", "TRUSTED SINCE", "UNTIL"), rows)


@app.command()
@on_registry
def show(registry: Registry, key_id: KeyIdArgument, *, as_json: JsonOption = False) -> None:
    """Print a trusted key's public half, to be trusted elsewhere.

    \b
    Example:
      medley registry key show 3f2a91c0 > ours.pem
    """
    key = found_key(registry, key_id)
    if as_json:
        print_json(trusted_key_record(key))
        return
    for line in key.public_key.splitlines():
        print_line(line)


def _end(key: TrustedKey) -> str:
    if key.distrusted_at:
        return f"distrusted {moment(key.distrusted_at)}"
    if key.valid_until is None:
        return "open"
    is_over = key.valid_until < timestamps.now()
    return f"{'expired ' if is_over else ''}{moment(key.valid_until)}"
