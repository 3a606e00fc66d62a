"""`medley train participant …`: whose contributions a coordinator counts."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from medley_registry import timestamps
from medley_registry.canonical import Json
from medley_registry.commands.arguments import deadline, duration
from medley_registry.commands.options import JsonOption, YesOption
from medley_registry.commands.screen import (
    confirm,
    moment,
    print_json,
    print_line,
    print_table,
)

from medley_training.commands.refusals import in_one_line
from medley_training.identity.keys import PublicKey
from medley_training.identity.participants import ParticipantBook, ParticipantKey

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Say whose contributions count, and with which keys.",
)

NameArgument = Annotated[str, typer.Argument(metavar="NAME", show_default=False)]
KeyArgument = Annotated[
    Path, typer.Argument(metavar="KEY.pem", exists=True, dir_okay=False, show_default=False)
]
BookOption = Annotated[
    Path,
    typer.Option(
        "--book", metavar="FILE", dir_okay=False, help="The book of participants, a JSON file."
    ),
]
_BOOK = Path("participants.json")


@app.command()
@in_one_line
def add(
    name: NameArgument,
    key: KeyArgument,
    *,
    until: Annotated[
        datetime | None,
        typer.Option(
            "--until",
            parser=deadline,
            metavar="DAY|TIME",
            help="Contributions that come later do not count.",
            show_default=False,
        ),
    ] = None,
    book: BookOption = _BOOK,
    as_json: JsonOption = False,
) -> None:
    """Let a participant's contributions count from now on, if this key signed them.

    KEY.pem is the public half; of a private key, its public half is meant.

    \b
    Examples:
      medley train participant add north north.pub.pem
      medley train participant add north north.pub.pem --until 2027-12-31 --book run/book.json
    """
    public = PublicKey.load(key)
    entries = ParticipantBook(book)
    entries.register(name, public, valid_from=timestamps.now(), valid_until=until)
    _tell(entries, name, public, as_json=as_json, what="counts")


@app.command()
@in_one_line
def rotate(
    name: NameArgument,
    key: KeyArgument,
    *,
    overlap: Annotated[
        timedelta,
        typer.Option(
            "--overlap",
            parser=duration,
            metavar="TIME",
            help="For how long the old key counts too, as in 24h.",
        ),
    ] = "0s",  # type: ignore[assignment]  # Typer parses a default as it does what is given
    book: BookOption = _BOOK,
    as_json: JsonOption = False,
) -> None:
    """Give a participant a new key; its keys until now come to their end.

    \b
    Examples:
      medley train participant rotate north north-2027.pub.pem
      medley train participant rotate north north-2027.pub.pem --overlap 24h
    """
    public = PublicKey.load(key)
    entries = ParticipantBook(book)
    entries.rotate(name, public, at=timestamps.now(), overlap=overlap)
    _tell(entries, name, public, as_json=as_json, what="counts in place of those before")


@app.command()
@in_one_line
def revoke(
    name: NameArgument,
    key_id: Annotated[str, typer.Argument(metavar="KEYID", show_default=False)],
    *,
    yes: YesOption = False,
    book: BookOption = _BOOK,
    as_json: JsonOption = False,
) -> None:
    """Let nothing count from now on that this key signed; a coordinator that runs sees it at once.

    There is no way back. KEYID is at least the first 8 digits. On a terminal it asks first.

    \b
    Example:
      medley train participant revoke north 3f2a91c0
    """
    confirm(f"Nothing that {name} signs with key {key_id} will count. Go on?", is_sure=yes)
    entries = ParticipantBook(book)
    revoked = entries.revoke(name, key_id, at=timestamps.now())
    _tell(entries, name, revoked.public, as_json=as_json, what="counts no longer")


@app.command("list")
@in_one_line
def list_(*, book: BookOption = _BOOK, as_json: JsonOption = False) -> None:
    """List the participants and their keys.

    \b
    Examples:
      medley train participant list
      medley train participant list --book run/book.json --json
    """
    entries = ParticipantBook(book)
    keys = [(name, key) for name in entries.names for key in entries.keys(name)]
    if as_json:
        print_json([_record(name, key) for name, key in keys])
        return
    rows = [(name, key.public.key_id[:12], moment(key.valid_from), _end(key)) for name, key in keys]
    print_table(("PARTICIPANT", "KEY", "COUNTS SINCE", "UNTIL"), rows)


def _tell(
    entries: ParticipantBook, name: str, public: PublicKey, *, as_json: bool, what: str
) -> None:
    if as_json:
        own = [key for key in entries.keys(name) if key.public == public]
        print_json(_record(name, own[0]))
    else:
        print_line(f"key {public.key_id} of {name} {what}")


def _record(name: str, key: ParticipantKey) -> dict[str, Json]:
    until, revoked = key.valid_until, key.revoked_at
    return {
        "participant": name,
        "key_id": key.public.key_id,
        "public_key": key.public.pem,
        "valid_from": timestamps.to_text(key.valid_from),
        "valid_until": timestamps.to_text(until) if until else None,
        "revoked_at": timestamps.to_text(revoked) if revoked else None,
        "flaw": key.flaw(timestamps.now()),
    }


def _end(key: ParticipantKey) -> str:
    if key.revoked_at:
        return f"revoked {moment(key.revoked_at)}"
    if key.valid_until is None:
        return "open"
    is_over = key.valid_until < timestamps.now()
    return f"{'expired ' if is_over else ''}{moment(key.valid_until)}"
