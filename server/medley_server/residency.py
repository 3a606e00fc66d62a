"""Which versions the engine holds, and which of them have requests running.

A version has a place in the engine from before it is loaded until the engine has confirmed that it
let go. There are never more than the engine holds at a time: of more, it would drop one by itself
and read its files again in the middle of a batch, and if those were gone by then, it would die.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from medley_registry import Registry, Version

from medley_server.adapter_files import AdapterFiles
from medley_server.engine.port import Engine
from medley_server.errors import AdapterUnavailable
from medley_server.fetching import Fetched, Fetcher
from medley_server.leasing import Leaseholder
from medley_server.phases import OnPhase, Phase
from medley_server.probing import Prober, ProbeRefused
from medley_server.resident import Resident
from medley_server.served_base import ServedBase

log = logging.getLogger(__name__)

T = TypeVar("T")

UNLOAD_RETRY_S = 1.0
"""How long a version that the engine would not let go of is left alone."""

BUSY_S = 0.05
"""How long one is left alone that was taken up again just as it was to go."""

ROOM_S = 30.0
"""How long a load waits where every place is taken by a version with requests running."""


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
            cache: folder of verified files, by digest; see `AdapterFiles`.
            capacity: versions to keep loaded.
        """
        self._engine = engine
        self._capacity = capacity
        self._places: dict[str, Resident] = {}  # by engine name: equal files, other adapter
        self._residents: dict[str, Resident] = {}  # those of them that answer
        self._arriving: dict[str, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[object]] = set()
        self._locks: dict[str, asyncio.Lock] = {}
        self._room = asyncio.Event()  # set when a place may have become free
        self._proven: set[str] = set()
        self._refused: dict[str, str] = {}
        self._barred: set[str] = set()
        self._retired: set[str] = set()
        self._live: dict[str, Version] = {}
        self._standby: dict[str, Version] = {}
        self.leases = Leaseholder(registry)
        files = AdapterFiles(registry, cache)
        files.spared = lambda: {
            version.digest.hex for kept in (self._live, self._standby) for version in kept.values()
        }
        self.fetcher = Fetcher(files, base, engine.facts)
        self.prober = Prober(engine, base)

    @property
    def residents(self) -> list[Resident]:
        """What answers now, in order of loading."""
        return list(self._residents.values())

    @property
    def leaving(self) -> list[Resident]:
        """What answers no more and still has its place: a leak, if it stays so."""
        return [one for name, one in self._places.items() if name not in self._residents]

    def keep(self, live: Iterable[Version], standby: Iterable[Version]) -> None:
        """Says what to keep although idle: what aliases answer with, and what they did before."""
        self._live = {version.engine_name: version for version in live}
        self._standby = {version.engine_name: version for version in standby}

    def retire(self, versions: Iterable[Version]) -> None:
        """Has the engine let go of these, each when it is idle, unless they are kept by then."""
        self._retired |= {version.engine_name for version in versions}
        self._let_go_unwanted()

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
        self._let_go_unwanted()

    async def ensure(self, version: Version, on_phase: OnPhase = lambda _: None) -> None:
        """Has the engine hold this version, loading it if it does not.

        Raises:
            AdapterUnavailable: its files are damaged, do not fit, or the engine refused them; or
                it answers wrongly; or there is no place for it.
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
            await self._arrival(version, on_phase)
        resident.hold()
        try:
            yield
        finally:
            resident.release()
            if resident.requests == 0:
                self._room.set()
                self._let_go_unwanted()

    async def drained(self, version: Version) -> None:
        """Returns once no request is running on the version."""
        if (resident := self._places.get(version.engine_name)) is not None:
            await resident.idle.wait()

    async def freed(self, version: Version) -> None:
        """Returns once the engine has confirmed that it does not hold the version."""
        if (resident := self._places.get(version.engine_name)) is not None:
            await resident.gone.wait()

    async def _arrival(self, version: Version, on_phase: OnPhase) -> None:
        """One load for all who wait, which goes on when they go: the engine cannot stop halfway."""
        name = version.engine_name
        if (arriving := self._arriving.get(name)) is None:
            arriving = asyncio.create_task(self._bring_in(version, on_phase))
            self._arriving[name] = arriving
            arriving.add_done_callback(lambda task: self._arrived(name, task))
        await asyncio.shield(arriving)

    def _arrived(self, name: str, task: "asyncio.Task[None]") -> None:
        del self._arriving[name]
        if not task.cancelled():
            task.exception()  # looked at, even if everybody has stopped waiting for it

    async def _bring_in(self, version: Version, on_phase: OnPhase) -> None:
        resident = Resident(version)
        async with self._locks.setdefault(resident.name, asyncio.Lock()):
            if (refusal := self._refused.get(resident.name)) is not None:
                raise AdapterUnavailable(refusal)
            if resident.name in self._places:
                raise AdapterUnavailable(f"the engine does not let go of {version.reference}")
            await asyncio.to_thread(self.leases.take, version)
            fetched = await self.fetcher.fetch(version, on_phase)
            try:
                await self._take_place(resident)
            except BaseException:
                self.fetcher.release(version)
                raise
            await self._load(resident, fetched, on_phase)
            self._retired.discard(resident.name)
            self._residents[resident.name] = resident
        log.info("loaded %s as %s", version.reference, resident.name)

    async def _take_place(self, resident: Resident) -> None:
        """Makes room: as much as is to be kept, and at the very most what the engine holds.

        Raises:
            AdapterUnavailable: the engine holds no more, and all of it is in use.
        """
        await self._trim(room_for=1)
        most = self._engine.facts.max_held
        try:
            async with asyncio.timeout(ROOM_S):
                while most is not None and len(self._places) >= most:
                    self._room.clear()
                    if (idle := self._least_needed()) is None:
                        await self._room.wait()
                    elif not await asyncio.shield(self._start(self._free(idle))):
                        await asyncio.sleep(BUSY_S)  # shielded: half freed, it would be stuck
        except TimeoutError as error:
            raise AdapterUnavailable(
                f"{resident.version.reference} finds no place: the engine holds {most} adapters, "
                f"and none of them was idle for {ROOM_S:.0f} s"
            ) from error
        self._places[resident.name] = resident

    async def _load(self, resident: Resident, fetched: Fetched, on_phase: OnPhase) -> None:
        version, name = resident.version, resident.name
        try:
            await self._engine.load(name, fetched.folder)
        except BaseException:
            self._give_up_place(resident)
            raise
        on_phase(Phase.LOADED)
        try:
            if name not in self._proven:
                await self.prober.probe(version, fetched)
                self._proven.add(name)
        except BaseException as error:
            if isinstance(error, ProbeRefused):
                self._refused[name] = str(error)
            if not await self._unload(resident):
                self._start(self._unload_again(resident))
            raise
        on_phase(Phase.PROBED)

    def _give_up_place(self, resident: Resident) -> None:
        """With its place go its files: they were needed for as long as the engine held it."""
        del self._places[resident.name]
        self.fetcher.release(resident.version)
        resident.gone.set()
        self._room.set()

    def _least_needed(self, *, but_live: bool = False) -> Resident | None:
        """The idle version to let go of first: what nobody asked to keep, the longest unused."""
        idle = [one for one in self._residents.values() if one.requests == 0]
        if but_live:
            idle = [one for one in idle if one.name not in self._live]
        return min(
            idle,
            key=lambda one: (one.name in self._live, one.name in self._standby, one.last_used),
            default=None,
        )

    def _let_go_unwanted(self) -> None:
        kept = self._live.keys() | self._standby.keys()
        unwanted = self._barred | (self._retired - kept)
        for resident in self.residents:
            if resident.requests == 0 and resident.name in unwanted:
                self._start(self._free(resident))
        if len(self._places) > self._capacity:
            self._start(self._trim())

    async def _trim(self, *, room_for: int = 0) -> None:
        while len(self._places) + room_for > self._capacity:
            idle = self._least_needed(but_live=True)
            if idle is None or not await self._free(idle):
                return

    async def _free(self, resident: Resident) -> bool:
        """False if it was taken up again meanwhile, or the engine would not let it go."""
        async with self._locks.setdefault(resident.name, asyncio.Lock()):
            if resident.requests or self._residents.get(resident.name) is not resident:
                return False
            del self._residents[resident.name]
            is_gone = await self._unload(resident)
        if not is_gone:
            self._start(self._unload_again(resident))
            return False
        log.info("freed %s", resident.version.reference)
        await self.fetcher.clean()
        return True

    async def _unload(self, resident: Resident) -> bool:
        """Only what the engine no longer lists gives up its place and its files."""
        try:
            await self._engine.unload(resident.name)
        except Exception as error:  # whatever it is: the engine may still hold it
            log.error("%s keeps its place in the engine: %r", resident.version.reference, error)
            return False
        self._give_up_place(resident)
        return True

    async def _unload_again(self, resident: Resident) -> None:
        is_gone = False
        while not is_gone:
            await asyncio.sleep(UNLOAD_RETRY_S)
            async with self._locks[resident.name]:
                is_gone = await self._unload(resident)
        log.info("freed %s at last", resident.version.reference)

    def _start(self, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
