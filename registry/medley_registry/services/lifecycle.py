"""What becomes of a version after it was published: admitted, held back, taken back."""

from dataclasses import replace

from medley_registry import journal, lookup, rules, timestamps
from medley_registry.adapters import Version, VersionState
from medley_registry.admission import WEIGHTS_FILE
from medley_registry.aliases import Alias, MoveReason
from medley_registry.blobs import BlobStore
from medley_registry.digest import Digest, digest_stream
from medley_registry.errors import (
    AliasInUse,
    Conflict,
    DigestMismatch,
    NothingToRollBack,
    VersionNotFound,
)
from medley_registry.events import EventKind
from medley_registry.index import Index, IndexReader, IndexWriter
from medley_registry.promotion import step_back
from medley_registry.trusting import check_signed
from medley_registry.withdrawals import Revocation, Tombstone


class Lifecycle:
    """The states of versions. Where no way leads to a state, IllegalTransition is raised."""

    def __init__(self, index: Index, blobs: BlobStore) -> None:
        self._index = index
        self._blobs = blobs

    def validate(self, name: str, number: int, *, actor: str) -> Version:
        """Check a version's stored bytes and its signature once more; it may be admitted then.

        Raises:
            BlobMissing, DigestMismatch: the store does not hold what was published.
            SignatureRefused: no signature counts.
            Conflict: its state changed meanwhile.
        """
        with self._index.read() as reader:
            version = lookup.find_version(reader, name, number)
            check_signed(reader, version)
        self._check_bytes(version)
        return self._change(
            name, number, VersionState.VALIDATED, actor=actor, seen=version.state, is_signed=True
        )

    def admit(self, name: str, number: int, *, actor: str) -> Version:
        """Let a validated or deprecated version be promoted.

        Raises:
            SignatureRefused: no signature counts.
        """
        return self._change(name, number, VersionState.ADMITTED, actor=actor, is_signed=True)

    def deprecate(self, name: str, number: int, *, actor: str, reason: str = "") -> Version:
        """Let no alias be promoted to a version any more; those that point at it stay."""
        return self._change(name, number, VersionState.DEPRECATED, actor=actor, reason=reason)

    def quarantine(self, name: str, number: int, *, actor: str, reason: str) -> Version:
        """Hold a version back until it is validated again; aliases step back from it.

        Raises:
            AliasInUse: an alias has no earlier target to step back to.
        """
        _check_words(actor, reason)
        state = VersionState.QUARANTINED
        return self._change(name, number, state, actor=actor, reason=reason, clears_aliases=True)

    def revoke(self, digest: Digest, *, actor: str, reason: str) -> list[Alias]:
        """Take this content back for ever, in every adapter that has it.

        In the same transaction every alias that points at it steps back to its nearest earlier
        target that may be served.

        Returns:
            The aliases that moved, as they stand now.

        Raises:
            AliasInUse: an alias has no such target; nothing was changed.
            VersionNotFound: no version has this content.
            Withdrawn: it is revoked already.
        """
        _check_words(actor, reason)
        with self._index.write() as writer:
            rules.check_not_revoked(writer, digest, weights=None)
            versions = _with_digest(writer, digest)
            states = {version.reference: version.state for version in versions}
            for version in versions:
                if version.state is not VersionState.DELETED:
                    writer.replace(_in_state(version, VersionState.REVOKED))
            weights = versions[0].manifest.digest_of(WEIGHTS_FILE)
            revocation = Revocation(digest, reason, actor, timestamps.now(), weights)
            writer.add(revocation)
            journal.record(
                writer,
                EventKind.CONTENT_REVOKED,
                subject=str(digest),
                actor=actor,
                payload={"digest": str(digest), "reason": reason, "versions": {**states}},
                at=revocation.at,
                records=[revocation],
            )
            return [
                moved
                for version in versions
                for moved in _clear_aliases(writer, version, actor=actor)
            ]

    def delete(self, name: str, number: int, *, actor: str, reason: str) -> Tombstone:
        """Give up a version's bytes; a collection removes them when nothing else needs them.

        Its number, its place in lineage and its tombstone stay.

        Raises:
            AliasInUse: an alias points at it.
        """
        _check_words(actor, reason)
        with self._index.write() as writer:
            version = lookup.find_version(writer, name, number)
            rules.check_transition(version, VersionState.DELETED)
            if pointing := _pointing_at(writer, version):
                names = ", ".join(alias.reference for alias in pointing)
                raise AliasInUse(f"{version.reference} is what {names} points at")
            tombstone = Tombstone(name, number, version.digest, reason, actor, timestamps.now())
            writer.replace(_in_state(version, VersionState.DELETED))
            writer.add(tombstone)
            journal.record(
                writer,
                EventKind.VERSION_DELETED,
                subject=version.reference,
                actor=actor,
                payload={
                    "adapter": name,
                    "number": number,
                    "digest": str(version.digest),
                    "from": version.state.value,
                    "reason": reason,
                },
                at=tombstone.at,
                records=[tombstone],
            )
        return tombstone

    def tombstone(self, name: str, number: int) -> Tombstone | None:
        """Why a version was deleted; None if it was not."""
        with self._index.read() as reader:
            lookup.find_number(reader, name, number)
            return reader.one(Tombstone, adapter=name, number=number)

    def revocation(self, digest: Digest) -> Revocation | None:
        """Why content was revoked; None if it was not."""
        with self._index.read() as reader:
            return reader.one(Revocation, digest=digest)

    def _change(
        self,
        name: str,
        number: int,
        state: VersionState,
        *,
        actor: str,
        reason: str = "",
        clears_aliases: bool = False,
        is_signed: bool = False,
        seen: VersionState | None = None,
    ) -> Version:
        _check_words(actor, reason, at_least=0)
        with self._index.write() as writer:
            version = lookup.find_version(writer, name, number)
            if seen is not None and version.state is not seen:
                raise Conflict(f"{version.reference} became {version.state} meanwhile")
            if is_signed:
                check_signed(writer, version)
            rules.check_transition(version, state)
            changed = _in_state(version, state)
            writer.replace(changed)
            journal.record(
                writer,
                EventKind.VERSION_STATE_CHANGED,
                subject=version.reference,
                actor=actor,
                payload={
                    "adapter": name,
                    "number": number,
                    "digest": str(version.digest),
                    "from": version.state.value,
                    "to": state.value,
                    "reason": reason,
                },
            )
            if clears_aliases:
                _clear_aliases(writer, changed, actor=actor)
        return changed

    def _check_bytes(self, version: Version) -> None:
        for entry in version.manifest.files:
            with self._blobs.open(entry.sha256) as stream:
                found, _ = digest_stream(stream, each=len)
            if found != entry.sha256:
                raise DigestMismatch(f"{version.reference}: {entry.path} is {found} in the store")


def _check_words(actor: str, reason: str, *, at_least: int = 1) -> None:
    rules.check_text("the actor", actor)
    rules.check_text("the reason", reason, at_least=at_least)


def _in_state(version: Version, state: VersionState) -> Version:
    return replace(version, state=state)


def _with_digest(reader: IndexReader, digest: Digest) -> list[Version]:
    found = reader.all(Version, digest=digest)
    if not found:
        raise VersionNotFound(f"no version has the content {digest}")
    return found


def _pointing_at(reader: IndexReader, version: Version) -> list[Alias]:
    return reader.all(Alias, adapter=version.adapter, number=version.number)


def _clear_aliases(writer: IndexWriter, version: Version, *, actor: str) -> list[Alias]:
    moved = []
    for alias in _pointing_at(writer, version):
        try:
            moved.append(step_back(writer, alias, actor=actor, reason=MoveReason.WITHDRAW))
        except NothingToRollBack as error:
            raise AliasInUse(
                f"{alias.reference} points at {version.reference} and has no earlier version "
                "to go back to; promote another version first"
            ) from error
    return moved
