"""The log as a chain: numbers without a gap, each hash over what is said and the hash before."""

from collections.abc import Iterator
from dataclasses import replace

from medley_registry.events import GENESIS_HASH, Event
from medley_registry.findings import Code, Finding


class Chain:
    """Follows a log from its beginning, one event after the other."""

    def __init__(self) -> None:
        self._seq = 0
        self._hash: str | None = GENESIS_HASH

    def follow(self, event: Event) -> Iterator[Finding]:
        """What is wrong with the next event or the step to it."""
        here = f"event {event.seq}"
        if self._hash is None:
            pass  # the one before cannot be read, which is said already
        elif event.seq != self._seq + 1:
            yield Finding(Code.EVENT_MISSING, f"event {self._seq + 1}", f"next is {here}")
        elif event.previous_hash != self._hash:
            yield Finding(Code.EVENT_UNCHAINED, here, "does not follow on the one before")
        if _hash_of(event) != event.hash:
            yield Finding(Code.EVENT_ALTERED, here, "says something else than when it was written")
        self._seq, self._hash = event.seq, event.hash

    def skip(self) -> None:
        """Pass over an event that cannot be read."""
        self._hash = None


def _hash_of(event: Event) -> str | None:
    before = replace(event, seq=event.seq - 1, hash=event.previous_hash)
    try:
        return Event.following(
            before,
            at=event.at,
            kind=event.kind,
            subject=event.subject,
            actor=event.actor,
            payload=event.payload,
        ).hash
    except ValueError:  # no event could be written so
        return None
