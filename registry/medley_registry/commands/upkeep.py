"""`medley registry fsck`, `gc`, `backup` and so on: looking after the store."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from medley_registry.commands.actor import actor
from medley_registry.commands.arguments import duration
from medley_registry.commands.keys import public_key_in
from medley_registry.commands.opening import on_registry
from medley_registry.commands.options import (
    BlobsOption,
    FolderArgument,
    JsonOption,
    KeyOption,
    NewFolderArgument,
    RegistryOption,
    TenantOption,
)
from medley_registry.commands.screen import (
    counted,
    print_json,
    print_line,
    print_note,
    progress_bar,
    size,
)
from medley_registry.commands.upkeep_records import CheckedRecord, CollectedRecord, CopiedRecord
from medley_registry.location import locate
from medley_registry.opening import open_registry
from medley_registry.own_key import own_key, some_signer
from medley_registry.registry import Registry

if TYPE_CHECKING:
    from medley_registry.upkeep import Copied, Finding

app = typer.Typer()


@app.command()
@on_registry
def fsck(
    registry: Registry,
    *,
    quick: Annotated[
        bool, typer.Option("--quick", help="Look at facts and sizes, and read no bytes.")
    ] = False,
    seal: Annotated[
        Path | None,
        typer.Option(
            "--seal",
            metavar="FILE",
            exists=True,
            dir_okay=False,
            help="Also, that the log still holds what this seal saw.",
            show_default=False,
        ),
    ] = None,
    key: Annotated[
        Path | None,
        typer.Option(
            "--key",
            metavar="KEY.pem",
            exists=True,
            dir_okay=False,
            help="The key that made the seal; else your own.",
            show_default=False,
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check everything there is: facts, log and bytes. Nothing is changed.

    It may run while others work. Exit code 1 if anything is found.

    \b
    Examples:
      medley registry fsck
      medley registry fsck --quick --seal monday.seal --json
    """
    from medley_registry import upkeep

    sealed = None
    if seal is not None:
        public_key = public_key_in(key or own_key())
        sealed = upkeep.read_seal(seal.read_text(errors="replace"), public_key=public_key)
    with progress_bar("checking") as progress:
        checked = upkeep.check(registry, is_quick=quick, seal=sealed, progress=progress)
    if as_json:
        print_json(cast(CheckedRecord, asdict(checked)))
    else:
        _print_findings(checked.findings)
        print_line(
            f"checked {counted(checked.versions, 'version')}, {counted(checked.events, 'event')} "
            f"and {counted(checked.blobs, 'blob')} ({size(checked.size_bytes)}"
            f"{', not read' if quick else ''}); {checked.orphans} left for gc"
        )
    _fail_by(checked.findings)


@app.command()
@on_registry
def gc(
    registry: Registry,
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would go, and remove nothing.")
    ] = False,
    grace: Annotated[
        timedelta,
        typer.Option("--grace", parser=duration, metavar="TIME", help="Leave younger bytes alone."),
    ] = "24h",  # type: ignore[assignment]
    retention: Annotated[
        timedelta,
        typer.Option(
            "--retention",
            parser=duration,
            metavar="TIME",
            help="Keep a deleted version's bytes so long.",
        ),
    ] = "30d",  # type: ignore[assignment]
    as_json: JsonOption = False,
) -> None:
    """Remove bytes that nothing needs any more. It may run while others work.

    What an alias, a version, a lease, an upload or lineage reaches stays. TIME is 90s, 30m, 24h
    or 30d.

    \b
    Examples:
      medley registry gc --dry-run
      medley registry gc --retention 7d
    """
    from medley_registry import upkeep

    with progress_bar("collecting", unit="blobs") as progress:
        found = upkeep.collect(
            registry,
            actor=actor(),
            grace=grace,
            retention=retention,
            is_dry_run=dry_run,
            progress=progress,
        )
    if as_json:
        record: CollectedRecord = {
            "blobs": found.blobs,
            "size_bytes": found.size_bytes,
            "leftovers": found.leftovers,
            "kept": found.kept,
            "young": found.young,
            "is_dry_run": dry_run,
        }
        print_json(record)
        return
    done = "would remove" if dry_run else "removed"
    also = "" if dry_run else f" and {counted(found.leftovers, 'leftover')} of killed transfers"
    print_line(
        f"{done} {counted(found.blobs, 'blob')} ({size(found.size_bytes)}){also}; "
        f"kept {found.kept} in use and {found.young} too young"
    )


@app.command()
@on_registry
def backup(registry: Registry, folder: NewFolderArgument, *, as_json: JsonOption = False) -> None:
    """Copy the registry to a new folder, while others work.

    The copy is a registry itself: --registry FOLDER opens it.

    \b
    Example:
      medley registry backup /mnt/backup/2026-11-20
    """
    from medley_registry import upkeep

    with progress_bar("copying") as progress:
        copied = upkeep.back_up(registry, folder, progress=progress)
    _print_copied(copied, to=str(folder.absolute()), as_json=as_json)


@app.command()
def restore(
    folder: FolderArgument,
    *,
    as_json: JsonOption = False,
    registry: RegistryOption = None,
    blobs: BlobsOption = None,
    tenant: TenantOption = None,
) -> None:
    """Make a registry out of a backup, and check it.

    Where it goes, there is none yet or an empty one. It need not be of the same kind: so a
    registry moves from a folder to PostgreSQL and S3.

    \b
    Example:
      medley registry restore /mnt/backup/2026-11-20 --registry /srv/medley
    """
    from medley_registry import upkeep

    with progress_bar("copying") as progress:
        copied = upkeep.restore(
            folder, registry or "", blobs=blobs, tenant=tenant, progress=progress
        )
    place = locate(registry, blobs=blobs, tenant=tenant)
    _print_copied(copied, to=str(place), as_json=as_json)


@app.command()
def migrate(
    *,
    registry: RegistryOption = None,
    blobs: BlobsOption = None,
    tenant: TenantOption = None,
) -> None:
    """Bring an older release's registry to this one's schema.

    One that is up to date stays as it is. In a folder, the index as it was is kept beside the new
    one; of a PostgreSQL database make a backup before.

    \b
    Example:
      medley registry migrate
    """
    from medley_registry.backends.migrating import migrate_postgres_index, migrate_sqlite_index

    place = locate(registry, blobs=blobs, tenant=tenant)
    index = place.folder / "registry.db" if place.is_folder else None
    if index is not None and index.is_file():
        found = migrate_sqlite_index(index)
    elif index is None:
        found = migrate_postgres_index(str(place.index), place.schema)
    else:  # it says that there is none
        found = None
        open_registry(registry, blobs=blobs, tenant=tenant).close()
    print_line(f"{place} {f'had schema {found}, and is migrated' if found else 'is up to date'}")


@app.command()
@on_registry
def seal(
    registry: Registry,
    *,
    key: KeyOption = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="FILE", dir_okay=False, help="Write it there.", show_default=False
        ),
    ] = None,
) -> None:
    """Sign where the log stands, to be kept elsewhere.

    Only `fsck --seal` shows if the log is cut off, or written anew as a whole.

    \b
    Example:
      medley registry seal --out monday.seal
    """
    from medley_registry import upkeep

    text = upkeep.seal(registry, some_signer(key))
    if out is None:
        print_line(text)
        return
    with out.open("x", encoding="utf-8") as stream:
        stream.write(f"{text}\n")
    print_line(f"seal of event {registry.head()} at {out}")


def _print_findings(findings: "Sequence[Finding]") -> None:
    for finding in findings:
        print_line(str(finding))


def _fail_by(findings: "Sequence[Finding]") -> None:
    if findings:
        print_note(f"error: damaged: {counted(len(findings), 'finding')}")
        raise typer.Exit(1)


def _print_copied(copied: "Copied", *, to: str, as_json: bool) -> None:
    if as_json:
        print_json(cast(CopiedRecord, asdict(copied)))
    else:
        print_line(
            f"copied {counted(copied.versions, 'version')}, {counted(copied.events, 'event')} and "
            f"{counted(copied.blobs, 'blob')} ({size(copied.size_bytes)}) to {to}"
        )
        _print_findings(copied.findings)
    _fail_by(copied.findings)
