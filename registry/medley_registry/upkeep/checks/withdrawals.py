"""What was taken back stays so: tombstones and revocations."""

from collections.abc import Iterator

from medley_registry.adapters import Version, VersionState
from medley_registry.aliases import Alias
from medley_registry.findings import Code, Finding
from medley_registry.upkeep.facts import Facts
from medley_registry.upkeep.naming import name_of
from medley_registry.withdrawals import Revocation, Tombstone

_WITHDRAWN = frozenset({VersionState.REVOKED, VersionState.DELETED})


def check_withdrawals(facts: Facts) -> Iterator[Finding]:
    stones = {(stone.adapter, stone.number): stone for stone in facts.all(Tombstone)}
    revoked = {revocation.digest for revocation in facts.all(Revocation)}
    for version in facts.all(Version):
        stone = stones.pop((version.adapter, version.number), None)
        is_deleted = version.state is VersionState.DELETED
        if is_deleted != (stone is not None) or (stone and stone.digest != version.digest):
            because = f"is {version.state} {'with' if stone else 'without'} a fitting tombstone"
            yield Finding(Code.TOMBSTONE_WRONG, name_of(version), because)
        if version.digest in revoked and version.state not in _WITHDRAWN:
            because = f"its content is revoked, and it is {version.state}"
            yield Finding(Code.REVOKED_IN_USE, name_of(version), because)
    for adapter, number in stones:
        yield Finding(Code.TOMBSTONE_WRONG, f"{adapter}:{number}", "there is no such version")
    for alias in facts.all(Alias):
        if alias.digest in revoked:
            yield Finding(Code.REVOKED_IN_USE, name_of(alias), "points at revoked content")
