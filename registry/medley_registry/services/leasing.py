"""Leases: versions in use somewhere, whose bytes must stay."""

from datetime import timedelta

from medley_registry import lookup, rules, timestamps
from medley_registry.adapters import Version
from medley_registry.errors import AdmissionRefused
from medley_registry.index import Index
from medley_registry.leases import Lease

_LONGEST_S = 31 * 24 * 3600


class Leases:
    """Taken by whoever serves a version, and renewed while it does."""

    def __init__(self, index: Index) -> None:
        self._index = index

    def take(self, version: Version, *, holder: str, seconds: float) -> Lease:
        """Keep a version's bytes from collection for so long from now on.

        Raises:
            AdmissionRefused: by rule ``lease``: for too long, or less than nothing.
            VersionDeleted: they are given up already.
        """
        rules.check_text("the holder", holder)
        if not 0 <= seconds <= _LONGEST_S:
            raise AdmissionRefused("lease", seconds, because=f"0 to {_LONGEST_S} seconds")
        lease = Lease(holder, version.digest, timestamps.now() + timedelta(seconds=seconds))
        with self._index.write() as writer:
            lookup.find_version(writer, version.adapter, version.number)
            known = writer.one(Lease, holder=holder, digest=version.digest)
            if known is None:
                writer.add(lease)
            else:
                writer.replace(lease)
        return lease

    def release(self, holder: str) -> None:
        """Give up all leases of a holder."""
        with self._index.write() as writer:
            for lease in writer.all(Lease, holder=holder):
                writer.remove(lease)
