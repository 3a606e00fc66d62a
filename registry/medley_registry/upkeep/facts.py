"""Everything an index holds, read in one transaction, so that what is checked is one state."""

from collections.abc import Iterator
from typing import Any, cast

from medley_registry.events import GENESIS_HASH, Event
from medley_registry.findings import Code, Finding
from medley_registry.index import Index, IndexReader
from medley_registry.kinds import KINDS, R, key_of
from medley_registry.upkeep.chain import Chain
from medley_registry.upkeep.ledger import Ledger
from medley_registry.upkeep.seals import Seal


class Facts:
    """One state of an index, as far as it can be read.

    Attributes:
        ledger: What its log tells.
        events: How many events the log has.
        findings: What was found wrong on the way.
    """

    def __init__(self, index: Index, *, seal: Seal | None = None) -> None:
        self.ledger = Ledger()
        self.events = 0
        self._records: dict[type[Any], dict[tuple[Any, ...], Any]] = {}
        with index.read() as reader:
            self.findings = [*self._read(reader), *self._follow(reader, seal)]

    def all(self, kind: type[R]) -> list[R]:
        """The records of a kind, in no order."""
        return [*self._records[kind].values()]

    def one(self, kind: type[R], *key: object) -> R | None:
        """The record with this key; None also where it cannot be read."""
        return cast("R | None", self._records[kind].get(key))

    def _read(self, reader: IndexReader) -> Iterator[Finding]:
        for kind in KINDS:
            found = self._records[kind] = {}
            for record in reader.scan(kind):
                if isinstance(record, Finding):
                    yield record
                else:
                    found[key_of(record)] = record

    def _follow(self, reader: IndexReader, seal: Seal | None) -> Iterator[Finding]:
        chain = Chain()
        sealed = GENESIS_HASH if seal and seal.seq == 0 else None
        for event in reader.scan(Event):
            if isinstance(event, Finding):
                yield event
                chain.skip()
                continue
            self.events += 1
            yield from chain.follow(event)
            yield from self.ledger.follow(event)
            if seal and event.seq == seal.seq:
                sealed = event.hash
        if seal and sealed != seal.hash:
            yield Finding(
                Code.SEAL_BROKEN, f"event {seal.seq}", f"the log does not hold what {seal.hash} was"
            )
