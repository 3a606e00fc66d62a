"""Following the registry: every alias that moved there is swapped here, as one transaction.

Phases: pending → verified → checked → loaded → probed → live → drained → freed. Up to "probed"
nothing a caller can see has changed, and any failure leaves the old version serving. At "live" the
alias flips for the requests that come next; those that are running stay on the old version, which
has "drained" when the last ends. It stays loaded while it is one of the previous versions to be
kept, and is "freed" when the engine has let it go.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from medley_registry import Alias, Digest, Registry, RegistryError, Version

from medley_server.catalogue import AliasKey, Catalogue
from medley_server.errors import AdapterUnavailable
from medley_server.following import read
from medley_server.phases import Phase
from medley_server.residency import Residency
from medley_server.standing_by import StandBy
from medley_server.traffic.steering import Steering

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
        on_step: told when a phase has ended, or the swap has failed.
    """

    alias: str
    version: Version
    previous: Version | None
    started: float = field(default_factory=time.time)
    phases: dict[Phase, float] = field(default_factory=dict)
    failure: str | None = None
    on_step: "OnStep" = lambda _: None
    _clock: float = field(default_factory=time.monotonic, init=False)

    def reach(self, phase: Phase) -> None:
        """Notes that a phase has ended."""
        self.phases[phase] = time.monotonic() - self._clock
        log.info("swap %s -> %s: %s", self.alias, self.version.reference, phase)
        self.on_step(self)

    def fail(self, reason: str) -> None:
        """Notes why the old version goes on serving."""
        self.failure = reason
        log.error("swap %s -> %s failed: %s", self.alias, self.version.reference, reason)
        self.on_step(self)


OnStep = Callable[[Swap], None]


class Follower:
    """Brings the catalogue to the registry's state and keeps it there until cancelled.

    A version that was taken back stops being offered at the next look, whatever else is loading.
    """

    def __init__(
        self,
        registry: Registry,
        catalogue: Catalogue,
        residency: Residency,
        *,
        keep_previous: int = 1,
        steering: Steering | None = None,
    ) -> None:
        """Follows `registry`.

        Args:
            registry: where aliases move.
            catalogue: what is offered here.
            residency: what the engine holds.
            keep_previous: versions that each alias answered with before, to keep loaded.
            steering: is told the rules of traffic, and keeps loaded what they try.
        """
        self._registry = registry
        self._catalogue = catalogue
        self._residency = residency
        self._standby = StandBy(keep_previous)
        self._steering = steering
        self._targets: dict[AliasKey, Digest] = {}
        self._swapping: dict[AliasKey, asyncio.Task[None]] = {}
        self._draining: dict[tuple[AliasKey, Digest], asyncio.Task[None]] = {}
        self._retry_at: dict[AliasKey, float] = {}
        self._is_stale = False
        self.head = 0
        """The newest event this server has acted on."""
        self.swaps: dict[AliasKey, Swap] = {}
        """The last swap of each alias."""
        self.failure: str | None = None
        """Why the registry cannot be followed now; None while it can."""
        self.on_step: OnStep = lambda _: None
        """Told of each step of every swap."""

    async def follow(self) -> None:
        """Polls the log and starts swaps; never returns, nor dies of the registry's faults."""
        try:
            while True:
                await asyncio.sleep(POLL_S)
                await self._tick()
        finally:
            for task in (*self._swapping.values(), *self._draining.values()):
                task.cancel()

    async def _tick(self) -> None:
        try:
            self._reap()
            head = await asyncio.to_thread(self._registry.head)
            if head != self.head or self._is_stale or self._retry_is_due():
                await self._look()
            self.failure = None
        except RegistryError as error:
            if self.failure is None:
                log.warning("the registry is away, serving the last good state: %s", error)
            self.failure = str(error)
        except Exception as error:  # the process's edge: a follower that died would be silent
            log.exception("following the registry failed, and goes on")
            self.failure = repr(error)

    async def reconcile(self) -> None:
        """Looks once, and returns when every swap that this started has ended.

        Raises:
            RegistryError: the registry cannot be read.
        """
        await self._look()
        if self._swapping:
            await asyncio.wait(self._swapping.values())
        self._reap()

    async def _look(self) -> None:
        """Learns how versions stand, and starts to swap every alias that moved."""
        base = self._catalogue.base
        now = await asyncio.to_thread(read, self._registry, base, after=self.head)
        self._catalogue.learn(now.versions, is_whole=now.is_whole)
        self._residency.judge(now.versions)
        if self._steering is not None:
            self._steering.learn(now.steered)
        self._keep()
        self._targets = {(alias.adapter, alias.name): alias.digest for alias in now.aliases}
        due = time.monotonic()
        self._retry_at = {key: at for key, at in self._retry_at.items() if at > due}
        for alias in now.aliases:
            version = self._catalogue.offered(alias.adapter, alias.number)
            if version is not None and self._is_due(alias):
                key = (alias.adapter, alias.name)
                # Side by side: going back to what is resident never waits for another's load.
                self._swapping[key] = asyncio.create_task(self._swap(alias, version))
        self.head, self._is_stale = now.head, False

    def _reap(self) -> None:
        """Forgets the swaps that have ended; aliases may have moved on meanwhile.

        Raises:
            Exception: what one of them failed with, if nobody foresaw it.
        """
        ended = [(key, task) for key, task in self._swapping.items() if task.done()]
        for key, _ in ended:
            del self._swapping[key]
            self._is_stale = True
        for _, task in ended:
            task.result()

    def _is_due(self, alias: Alias) -> bool:
        key = (alias.adapter, alias.name)
        if key in self._swapping:
            return False
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
        before = self._catalogue.live_at(key)
        swap = Swap(alias.reference, version, before, on_step=self.on_step)
        self.swaps[key] = swap
        self._retry_at.pop(key, None)
        try:
            await self._residency.ensure(version, swap.reach)
        except AdapterUnavailable as error:
            swap.fail(str(error))
            self._retry_at[key] = time.monotonic() + RETRY_S
            return
        if self._targets.get(key) != version.digest or not self._catalogue.offers(version):
            swap.fail("the alias has moved on, or the version was taken back")
            return
        self._catalogue.flip(key, version)
        swap.reach(Phase.LIVE)
        passed = self._standby.note(key, version, before=swap.previous)
        self._keep()
        if swap.previous is not None:
            self._drain(key, swap, swap.previous)
        self._residency.retire(passed)

    def _keep(self) -> None:
        tried = self._steering.tried if self._steering is not None else []
        self._residency.keep([*self._catalogue.live.values(), *tried], self._standby.versions)

    def _drain(self, key: AliasKey, swap: Swap, previous: Version) -> None:
        async def wait() -> None:
            await self._residency.drained(previous)
            swap.reach(Phase.DRAINED)
            await self._residency.freed(previous)
            swap.reach(Phase.FREED)

        left = (key, previous.digest)
        if (waiting := self._draining.get(left)) is not None:
            waiting.cancel()  # of an earlier swap, after which the version came back
        self._draining[left] = task = asyncio.create_task(wait())
        task.add_done_callback(lambda done: self._drained(left, done))

    def _drained(self, left: tuple[AliasKey, Digest], done: "asyncio.Task[None]") -> None:
        if self._draining.get(left) is done:
            del self._draining[left]
