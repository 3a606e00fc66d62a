"""Which versions the engine holds, and which of them have requests running."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Collection, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from medley_registry import Registry, RegistryError, Version

from medley_server.checks import check_finite, check_fits
from medley_server.engine.port import Engine
from medley_server.errors import AdapterUnavailable
from medley_server.leasing import Leaseholder
from medley_server.served_base import ServedBase

log = logging.getLogger(__name__)


class Phase(StrEnum):
    """The phases of bringing a version in and letting the one before go, in order."""

    VERIFIED = "verified"
    CHECKED = "checked"
    LOADED = "loaded"
    LIVE = "live"
    DRAINED = "drained"


UNLOAD_RETRY_S = 1.0
"""How long a version that the engine would not let go of is left alone."""

OnPhase = Callable[[Phase], None]


@dataclass(slots=True)
class Resident:
    """A version in the engine, and how many requests it is answering."""

    version: Version
    requests: int = 0
    last_used: float = field(default_factory=time.monotonic)
    idle: asyncio.Event = field(default_factory=asyncio.Event)

    def hold(self) -> None:
        """One request more; while there is one, the version stays."""
        self.requests += 1
        self.idle.clear()

    def release(self) -> None:
        """One request fewer."""
        self.requests -= 1
        self.last_used = time.monotonic()
        if self.requests == 0:
            self.idle.set()


class Residency:
    """Loads each version once, counts its requests, and frees it only when none is running."""

    def __init__(
        self, registry: Registry, base: ServedBase, engine: Engine, *, cache: Path, capacity: int
    ) -> None:
        """Takes at most `capacity` versions into the engine while idle ones can make room.

        Args:
            registry: where the files come from.
            base: what the engine runs.
            engine: what holds the adapters.
            cache: folder of verified files, by digest; the engine reads them again at need.
            capacity: versions to keep loaded.
        """
        self._registry = registry
        self._base = base
        self._engine = engine
        self._cache = cache
        self._capacity = capacity
        self._residents: dict[str, Resident] = {}  # by engine name: equal files, other adapter
        self._locks: dict[str, asyncio.Lock] = {}
        self._barred: set[str] = set()
        self._leaving: dict[str, asyncio.Task[None]] = {}
        self.leases = Leaseholder(registry)
        self.kept: Collection[str] = ()
        """Engine names to keep although idle: those that aliases answer with."""

    @property
    def residents(self) -> list[Resident]:
        """What the engine holds now, in order of loading."""
        return list(self._residents.values())

    async def ensure(self, version: Version, on_phase: OnPhase = lambda _: None) -> None:
        """Has the engine hold this version, loading it if it does not.

        Raises:
            AdapterUnavailable: its files are damaged, do not fit, or the engine refused them.
        """
        async with self.lease(version, on_phase):
            pass

    @asynccontextmanager
    async def lease(
        self, version: Version, on_phase: OnPhase = lambda _: None
    ) -> AsyncIterator[None]:
        """Keeps the version in the engine for as long as a request needs it.

        Raises:
            AdapterUnavailable: see `ensure`.
        """
        # Found and held without an await in between, so nobody can free it meanwhile.
        while (resident := self._residents.get(version.engine_name)) is None:
            await self._bring_in(version, on_phase)
        resident.hold()
        try:
            await self._make_room()
            yield
        finally:
            resident.release()
            self._let_go_if_barred(resident)

    def judge(self, versions: Iterable[Version]) -> None:
        """Has the engine let go of those that may not be served, each when it is idle.

        Args:
            versions: as they stand now; of others, what was said of them before holds.
        """
        for version in versions:
            if version.state.is_servable:
                self._barred.discard(version.engine_name)
            else:
                self._barred.add(version.engine_name)
        for resident in self.residents:
            self._let_go_if_barred(resident)

    def _let_go_if_barred(self, resident: Resident) -> None:
        name = resident.version.engine_name
        if name in self._barred and name not in self._leaving and resident.requests == 0:
            self._leaving[name] = asyncio.create_task(self._let_go(resident))

    async def _let_go(self, resident: Resident) -> None:
        name = resident.version.engine_name
        try:
            while name in self._barred and self._residents.get(name) is resident:
                if resident.requests or await self._free(resident):
                    return  # its last request asks again
                await asyncio.sleep(UNLOAD_RETRY_S)
        finally:
            del self._leaving[name]

    async def drained(self, version: Version) -> None:
        """Returns once no request is running on the version."""
        if (resident := self._residents.get(version.engine_name)) is not None:
            await resident.idle.wait()

    async def _bring_in(self, version: Version, on_phase: OnPhase) -> None:
        async with self._locks.setdefault(version.engine_name, asyncio.Lock()):
            if version.engine_name in self._residents:
                return
            check_fits(version, self._base, self._engine.facts)
            folder = await asyncio.to_thread(self._verified_files, version)
            on_phase(Phase.VERIFIED)
            await asyncio.to_thread(check_finite, version, folder)
            on_phase(Phase.CHECKED)
            await self._engine.load(version.engine_name, folder)
            on_phase(Phase.LOADED)
            self._residents[version.engine_name] = Resident(version)
        log.info("loaded %s as %s", version.reference, version.engine_name)

    def _verified_files(self, version: Version) -> Path:
        self.leases.take(version)
        try:
            return self._registry.checkout(version, self._cache)
        except (RegistryError, OSError) as error:
            raise AdapterUnavailable(f"{version.reference} cannot be fetched: {error}") from error

    async def _make_room(self) -> None:
        while len(self._residents) > self._capacity:
            idle = [
                resident
                for resident in self._residents.values()
                if resident.requests == 0 and resident.version.engine_name not in self.kept
            ]
            if not idle or not await self._free(min(idle, key=lambda one: one.last_used)):
                return

    async def _free(self, resident: Resident) -> bool:
        """False if it was taken up again meanwhile, or the engine would not let it go."""
        name = resident.version.engine_name
        async with self._locks.setdefault(name, asyncio.Lock()):
            if resident.requests or self._residents.get(name) is not resident:
                return False
            del self._residents[name]
            try:
                await self._engine.unload(name)
            except AdapterUnavailable as error:  # room is a wish; the request at hand goes on
                log.warning("%s", error)
                self._residents[name] = resident
                return False
        log.info("freed %s", resident.version.reference)
        return True
