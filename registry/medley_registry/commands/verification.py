"""`medley adapter verify`: whether a version is what was published, and may be used."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import cast

import typer

from medley_registry.adapters import Version
from medley_registry.base_folder import Progress
from medley_registry.commands.opening import on_registry
from medley_registry.commands.options import JsonOption, ReferenceArgument
from medley_registry.commands.records import CheckRecord, VerificationRecord
from medley_registry.commands.screen import print_json, print_note, print_table, progress_bar
from medley_registry.digest import ALGORITHM, digest_stream
from medley_registry.errors import Damaged, SignatureRefused
from medley_registry.manifest import FileEntry
from medley_registry.registry import Registry

app = typer.Typer()


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was verified; ``detail`` says how it was found."""

    subject: str
    is_good: bool
    detail: str


@app.command()
@on_registry
def verify(
    registry: Registry, reference: ReferenceArgument, *, as_json: JsonOption = False
) -> None:
    """Check a version's stored files, signature and state.

    Exit code 1 if any of it is not as it must be for the version to be served.

    \b
    Example:
      medley adapter verify discharge:3
    """
    version = registry.resolve(reference)
    with progress_bar("hashing") as progress:
        checks = checks_of(registry, version, progress=progress)
    bad = [check for check in checks if not check.is_good]
    if as_json:
        record: VerificationRecord = {
            "reference": version.reference,
            "digest": str(version.digest),
            "is_good": not bad,
            "checks": [cast(CheckRecord, asdict(check)) for check in checks],
        }
        print_json(record)
    else:
        print_table(("CHECK", "RESULT", "DETAIL"), map(_row, checks))
    if bad:
        print_note(f"error: {version.reference}: {bad[0].subject}: {bad[0].detail}")
        raise typer.Exit(1)


def _row(check: Check) -> tuple[str, str, str]:
    """With a digest that is right in short, to fit a line."""
    is_digest = check.is_good and check.detail.startswith(ALGORITHM)
    detail = check.detail.partition(":")[2][:12] if is_digest else check.detail
    return check.subject, "good" if check.is_good else "BAD", detail


def checks_of(registry: Registry, version: Version, *, progress: Progress) -> list[Check]:
    """Everything that is verified of a version, in the order it is shown."""
    is_whole = version.manifest.digest == version.digest
    manifest = Check("manifest", is_whole, str(version.manifest.digest))
    done = 0

    def count(chunk: bytes) -> None:
        nonlocal done
        done += len(chunk)
        progress(done, version.size_bytes)

    files = [_check_file(registry, entry, each=count) for entry in version.manifest.files]
    return [manifest, *files, _check_signature(registry, version), _check_state(registry, version)]


def _check_file(registry: Registry, entry: FileEntry, *, each: Callable[[bytes], object]) -> Check:
    try:
        with registry.blobs.open(entry.sha256) as stream:
            found, _ = digest_stream(stream, each=each)
    except Damaged as error:
        return Check(entry.path, False, str(error))
    if found != entry.sha256:
        return Check(entry.path, False, f"the store holds {found}, not {entry.sha256}")
    return Check(entry.path, True, str(found))


def _check_signature(registry: Registry, version: Version) -> Check:
    try:
        key = registry.trust.verify(version)
    except SignatureRefused as error:
        return Check("signature", False, str(error))
    if key is None:
        return Check("signature", True, "not asked for: no key is trusted here")
    return Check("signature", True, f"by {key.name} ({key.key_id[:12]})")


def _check_state(registry: Registry, version: Version) -> Check:
    revocation = registry.lifecycle.revocation(version.digest)
    because = f": {revocation.reason}" if revocation else ""
    return Check("state", version.state.is_servable, f"{version.state}{because}")
