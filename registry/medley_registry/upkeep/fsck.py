"""Finding every damage of a registry, and naming it (`medley_registry.findings` lists the codes).

It may run while others publish, promote and collect: the facts are read in one transaction, the
bytes after them, and what looks wrong with a blob is held against the registry as it is then.

What it cannot see: that the log was cut off together with the rows it told of, or written anew from
some event on with the rows to fit. For that, keep seals elsewhere (`medley_registry.upkeep.seals`).
Leases and uploads come and go without events, so a changed one is found only if it cannot be read.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from medley_registry.adapters import Version
from medley_registry.base_folder import Progress
from medley_registry.errors import IndexDamaged, Unavailable
from medley_registry.findings import Code, Finding
from medley_registry.index import Index
from medley_registry.registry import Registry
from medley_registry.upkeep.checks.aliases import check_aliases, check_policies
from medley_registry.upkeep.checks.blobs import BlobsChecked, check_blobs
from medley_registry.upkeep.checks.rows import check_rows
from medley_registry.upkeep.checks.trust import check_trust
from medley_registry.upkeep.checks.variants import check_evidence, check_variants
from medley_registry.upkeep.checks.versions import check_versions
from medley_registry.upkeep.checks.withdrawals import check_withdrawals
from medley_registry.upkeep.facts import Facts
from medley_registry.upkeep.seals import Seal


@dataclass(frozen=True, slots=True)
class Checked:
    """What was looked at, and what was found.

    ``orphans`` are blobs that nothing names: no damage, but work for a collection.
    """

    findings: tuple[Finding, ...]
    versions: int = 0
    events: int = 0
    blobs: int = 0
    size_bytes: int = 0
    orphans: int = 0


def fsck(
    registry: Registry,
    *,
    is_quick: bool = False,
    seal: Seal | None = None,
    progress: Progress | None = None,
) -> list[Finding]:
    """Every damage of a registry; an empty list where there is none. See `check`."""
    return [*check(registry, is_quick=is_quick, seal=seal, progress=progress).findings]


def check(
    registry: Registry,
    *,
    is_quick: bool = False,
    seal: Seal | None = None,
    progress: Progress | None = None,
) -> Checked:
    """Look at everything in a registry.

    Args:
        registry: Stays as it is.
        is_quick: Look only at the presence and the size of blobs, not at their content.
        seal: Where the log stood once, by `read_seal`; it must still hold that.
        progress: Called with the bytes hashed and the bytes there are.

    Raises:
        Unavailable: a store cannot be read at all now.
    """
    findings = _examine(registry.index)
    try:
        facts = Facts(registry.index, seal=seal)
    except (IndexDamaged, Unavailable) as error:
        if isinstance(error, Unavailable) and not findings:
            raise
        return Checked((*findings, Finding(Code.INDEX_DAMAGED, "index", str(error))))
    findings += [*facts.findings, *_check_facts(facts)]
    versions = facts.all(Version)
    stored = _check_blobs(registry, versions, is_quick=is_quick, progress=progress)
    return Checked(
        findings=(*findings, *stored.findings),
        versions=len(versions),
        events=facts.events,
        blobs=stored.blobs,
        size_bytes=stored.size_bytes,
        orphans=stored.orphans,
    )


def _examine(index: Index) -> list[Finding]:
    try:
        return index.examine()
    except IndexDamaged as error:
        return [Finding(Code.INDEX_DAMAGED, "index", str(error))]


def _check_facts(facts: Facts) -> Iterator[Finding]:
    for judge in (
        check_rows,
        check_versions,
        check_variants,
        check_evidence,
        check_trust,
        check_aliases,
        check_policies,
        check_withdrawals,
    ):
        yield from judge(facts)


def _check_blobs(
    registry: Registry, versions: list[Version], *, is_quick: bool, progress: Progress | None
) -> BlobsChecked:
    return check_blobs(
        versions,
        index=registry.index,
        blobs=registry.blobs,
        is_quick=is_quick,
        progress=progress,
    )
