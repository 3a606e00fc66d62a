"""Following the registry: every alias that moved there is swapped here, as one transaction.

Phases: pending → verified → checked → loaded → live → drained. Up to "loaded" nothing a caller can
see has changed, and any failure leaves the old version serving. At "live" the alias flips for the
requests that come next; those that are running stay on the old version, which has "drained" when
the last ends.
"""

import asyncio
import logging
import time
from dataclasses import dataclass, field

from medley_registry import Alias, Registry, RegistryError, Version

from medley_server.catalogue import AliasKey, Catalogue, versions_for
from medley_server.errors import AdapterUnavailable
from medley_server.residency import Phase, Residency

log = logging.getLogger(__name__)

POLL_S = 0.05
"""How often the registry's log is looked at: one indexed read of one number."""

RETRY_S = 5.0
"""How long a swap that failed waits before it is tried again."""


@dataclass(slots=True)
class Swap:
    """One alias on its way to one version.

    Attributes:
        alias: as `name@alias`.
        version: where it goes.
        previous: what answered before; None at its first promotion.
        started: seconds since the epoch.
        phases: seconds from the start to the end of each phase reached.
        failure: why it stopped; None while it goes on or when it is done.
    """

    alias: str
    version: Version
    previous: Version | None
    started: float = field(default_factory=time.time)
    phases: dict[Phase, float] = field(default_factory=dict)
    failure: str | None = None
    _clock: float = field(default_factory=time.monotonic, init=False)

    def reach(self, phase: Phase) -> None:
        """Notes that a phase has ended."""
        self.phases[phase] = time.monotonic() - self._clock
        log.info("swap %s -> %s: %s", self.alias, self.version.reference, phase)

    def fail(self, reason: str) -> None:
        """Notes why the old version goes on serving."""
        self.failure = reason
        log.error("swap %s -> %s failed: %s", self.alias, self.version.reference, reason)


class Follower:
    """Brings the catalogue to the registry's state and keeps it there until cancelled.

    It compares states rather than replaying events, so a missed or doubled event changes nothing;
    the log's head only tells when to look.
    """

    def __init__(self, registry: Registry, catalogue: Catalogue, residency: Residency) -> None:
        self._registry = registry
        self._catalogue = catalogue
        self._residency = residency
        self._draining: set[asyncio.Task[None]] = set()
        self._retry_at: dict[AliasKey, float] = {}
        self.head = 0
        """The newest event this server has acted on."""
        self.swaps: dict[AliasKey, Swap] = {}
        """The last swap of each alias."""
        self.failure: str | None = None
        """Why the registry cannot be followed now; None while it can."""

    async def follow(self) -> None:
        """Polls the log and reconciles; never returns, and never dies of the registry's faults."""
        while True:
            await asyncio.sleep(POLL_S)
            try:
                head = await asyncio.to_thread(self._registry.head)
                if head != self.head or self._retry_is_due():
                    await self.reconcile()
                self.failure = None
            except RegistryError as error:
                if self.failure is None:
                    log.warning("the registry is away, serving the last good state: %s", error)
                self.failure = str(error)
            except Exception as error:  # the process's edge: a follower that died would be silent
                log.exception("following the registry failed, and goes on")
                self.failure = repr(error)

    async def reconcile(self) -> None:
        """Learns new versions and swaps every alias that points elsewhere than it answers here.

        Raises:
            RegistryError: the registry cannot be read.
        """
        head, versions, aliases = await asyncio.to_thread(self._read)
        for version in versions:
            self._catalogue.remember(version)
        known = {(v.adapter, v.number): v for v in versions}
        moved = [
            (alias, known[alias.adapter, alias.number])
            for alias in aliases
            if (alias.adapter, alias.number) in known and self._is_due(alias)
        ]
        # Side by side: a rollback to a version that is resident never waits for another's load.
        await asyncio.gather(*(self._swap(alias, version) for alias, version in moved))
        self.head = head

    def _read(self) -> tuple[int, list[Version], list[Alias]]:
        # The head first: what happens in between is then seen again, not missed.
        head = self._registry.head()
        versions = versions_for(self._registry, self._catalogue.base)
        return head, versions, self._registry.aliases()

    def _is_due(self, alias: Alias) -> bool:
        key = (alias.adapter, alias.name)
        live = self._catalogue.live_at(key)
        if live is not None and live.digest == alias.digest:
            self._retry_at.pop(key, None)
            return False
        failed = self.swaps.get(key)
        if failed is None or failed.failure is None or failed.version.digest != alias.digest:
            return True
        return self._retry_at.get(key, 0.0) <= time.monotonic()

    def _retry_is_due(self) -> bool:
        now = time.monotonic()
        return any(at <= now for at in self._retry_at.values())

    async def _swap(self, alias: Alias, version: Version) -> None:
        key = (alias.adapter, alias.name)
        swap = Swap(alias.reference, version, self._catalogue.live_at(key))
        self.swaps[key] = swap
        try:
            await self._residency.ensure(version, swap.reach)
        except AdapterUnavailable as error:
            swap.fail(str(error))
            self._retry_at[key] = time.monotonic() + RETRY_S
            return
        self._retry_at.pop(key, None)
        self._catalogue.flip(key, version)
        self._residency.kept = self._catalogue.live_engine_names
        swap.reach(Phase.LIVE)
        if swap.previous is not None:
            self._drain(swap, swap.previous)

    def _drain(self, swap: Swap, previous: Version) -> None:
        async def wait() -> None:
            await self._residency.drained(previous)
            swap.reach(Phase.DRAINED)

        task = asyncio.create_task(wait())
        self._draining.add(task)
        task.add_done_callback(self._draining.discard)
