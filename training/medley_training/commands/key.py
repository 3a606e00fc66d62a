"""`medley train key …`: what a site or a coordinator signs with."""

from pathlib import Path
from typing import Annotated

import typer
from medley_registry.commands.options import JsonOption
from medley_registry.commands.screen import print_json, print_line, print_note

from medley_training.commands.refusals import in_one_line

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Make and show keys that sites and coordinators sign with.",
)


@app.command()
@in_one_line
def make(
    path: Annotated[Path, typer.Argument(metavar="KEY.pem", dir_okay=False, show_default=False)],
    *,
    as_json: JsonOption = False,
) -> None:
    """Make an Ed25519 key in a new file that only you can read.

    Where MEDLEY_SIGNING_PASSPHRASE is set, the file is encrypted with it. A file that is there is
    never replaced.

    \b
    Examples:
      medley train key make ~/.medley/north.pem
      MEDLEY_SIGNING_PASSPHRASE=... medley train key make north.pem
    """
    from medley_training.identity.keys import SigningKey

    public = SigningKey.make(path).public
    if as_json:
        print_json({"key_id": public.key_id, "public_key": public.pem})
    else:
        print_line(f"{path} holds key {public.key_id}")


@app.command()
@in_one_line
def show(
    path: Annotated[Path, typer.Argument(metavar="KEY.pem", dir_okay=False, show_default=False)],
    *,
    as_json: JsonOption = False,
) -> None:
    """Print the public half of a key, to be given to the coordinator; its id goes to stderr.

    \b
    Examples:
      medley train key show ~/.medley/north.pem > north.pub.pem
      medley train key show north.pub.pem --json
    """
    from medley_training.identity.keys import PublicKey

    public = PublicKey.load(path)
    if as_json:
        print_json({"key_id": public.key_id, "public_key": public.pem})
        return
    for line in public.pem.splitlines():
        print_line(line)
    print_note(f"key {public.key_id}")
