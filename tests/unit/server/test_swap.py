import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from medley_registry import Registry, Unavailable, Version
from medley_server import swap
from medley_server.catalogue import Catalogue
from medley_server.engine.fake import FakeEngine
from medley_server.errors import AdapterUnavailable
from medley_server.phases import Phase
from medley_server.residency import Residency
from medley_server.served_base import ServedBase
from medley_server.swap import Follower

from tests.builders import TINY, make_adapter


class Follows:
    """A follower with all it needs."""

    def __init__(
        self,
        registry: Registry,
        engine: FakeEngine,
        cache: Path,
        capacity: int = 8,
        keep_previous: int = 1,
    ):
        base = ServedBase.as_it_is(registry.base(TINY))
        self.catalogue = Catalogue(registry, base)
        self.residency = Residency(registry, base, engine, cache=cache, capacity=capacity)
        self.follower = Follower(
            registry, self.catalogue, self.residency, keep_previous=keep_previous
        )

    @property
    def production(self) -> str:
        return self.catalogue.live["note", "production"].reference


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not holds():
            await asyncio.sleep(0.01)


async def test_an_alias_moved_elsewhere_is_served_here(
    registry: Registry, versions: list[Version], engine: FakeEngine, tmp_path: Path
) -> None:
    here = Follows(registry, engine, tmp_path / "cache")
    task = asyncio.create_task(here.follower.follow())
    await until(lambda: ("note", "production") in here.catalogue.live)

    registry.promote("note", 2, actor="somebody")
    await until(lambda: here.production == "note:2")
    registry.rollback("note", actor="somebody")
    await until(lambda: here.production == "note:1")

    task.cancel()


async def test_a_swap_passes_its_phases_in_order(
    registry: Registry, versions: list[Version], engine: FakeEngine, tmp_path: Path
) -> None:
    here = Follows(registry, engine, tmp_path / "cache", keep_previous=0)
    await here.follower.reconcile()
    registry.promote("note", 2, actor="t")

    await here.follower.reconcile()
    done = here.follower.swaps["note", "production"]
    await until(lambda: Phase.FREED in done.phases)

    assert list(done.phases) == list(Phase)
    assert list(done.phases.values()) == sorted(done.phases.values())


async def test_the_previous_version_stays_loaded_and_the_one_before_it_is_freed(
    registry: Registry, versions: list[Version], engine: FakeEngine, tmp_path: Path
) -> None:
    third = registry.publish(
        make_adapter(tmp_path / "note3", fill=3), name="note", base=TINY, actor="t"
    )
    here = Follows(registry, engine, tmp_path / "cache")
    swaps = []
    for number in (1, 2, 3):
        registry.promote("note", number, actor="t")
        await here.follower.reconcile()
        swaps.append(here.follower.swaps["note", "production"])

    await until(lambda: Phase.FREED in swaps[1].phases)

    assert set(engine.loaded) == {versions[1].engine_name, third.engine_name}
    assert Phase.DRAINED in swaps[2].phases
    assert Phase.FREED not in swaps[2].phases


async def test_going_back_to_the_previous_version_loads_nothing(
    registry: Registry, versions: list[Version], engine: FakeEngine, tmp_path: Path
) -> None:
    here = Follows(registry, engine, tmp_path / "cache")
    await here.follower.reconcile()
    registry.promote("note", 2, actor="t")
    await here.follower.reconcile()
    engine.refuse |= {version.engine_name for version in versions}

    registry.rollback("note", actor="t")
    await here.follower.reconcile()

    assert here.production == "note:1"
    assert Phase.LOADED not in here.follower.swaps["note", "production"].phases


async def test_a_version_that_other_aliases_answer_with_is_not_freed(
    registry: Registry, versions: list[Version], engine: FakeEngine, tmp_path: Path
) -> None:
    registry.promote("note", 1, alias="canary", actor="t")
    here = Follows(registry, engine, tmp_path / "cache", keep_previous=0)
    await here.follower.reconcile()
    registry.promote("note", 2, actor="t")
    await here.follower.reconcile()
    registry.promote("note", 2, alias="canary", actor="t")
    assert versions[0].engine_name in engine.loaded

    await here.follower.reconcile()

    await until(lambda: versions[0].engine_name not in engine.loaded)


async def test_a_running_request_stays_on_its_version_until_it_ends(
    registry: Registry, versions: list[Version], engine: FakeEngine, tmp_path: Path
) -> None:
    here = Follows(registry, engine, tmp_path / "cache", capacity=1)
    await here.follower.reconcile()

    async with here.residency.lease(versions[0]):
        registry.promote("note", 2, actor="t")
        await here.follower.reconcile()
        assert here.production == "note:2"
        assert versions[0].engine_name in engine.loaded
        assert Phase.DRAINED not in here.follower.swaps["note", "production"].phases

    await until(lambda: Phase.DRAINED in here.follower.swaps["note", "production"].phases)


async def test_a_version_that_cannot_be_loaded_leaves_the_old_one_serving_and_says_why(
    registry: Registry, versions: list[Version], engine: FakeEngine, tmp_path: Path
) -> None:
    here = Follows(registry, engine, tmp_path / "cache")
    await here.follower.reconcile()
    engine.refuse.add(versions[1].engine_name)
    registry.promote("note", 2, actor="t")

    await here.follower.reconcile()

    assert here.production == "note:1"
    assert "refused" in (here.follower.swaps["note", "production"].failure or "")


async def test_a_failed_swap_waits_and_is_then_tried_again(
    registry: Registry,
    versions: list[Version],
    engine: FakeEngine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    here = Follows(registry, engine, tmp_path / "cache")
    await here.follower.reconcile()
    engine.refuse.add(versions[1].engine_name)
    registry.promote("note", 2, actor="t")
    await here.follower.reconcile()
    engine.refuse.clear()
    await here.follower.reconcile()
    assert here.production == "note:1", "its time has not come"

    engine.refuse.add(versions[1].engine_name)
    monkeypatch.setattr(swap, "RETRY_S", 0.0)
    here.follower.swaps.clear()
    await here.follower.reconcile()
    engine.refuse.clear()
    task = asyncio.create_task(here.follower.follow())
    await until(lambda: here.production == "note:2")

    task.cancel()


async def test_the_last_good_state_is_served_while_the_registry_is_away(
    registry: Registry, versions: list[Version], engine: FakeEngine, tmp_path: Path
) -> None:
    class Away:
        def __getattr__(self, name: str) -> object:
            raise Unavailable("the disk is gone")

    here = Follows(registry, engine, tmp_path / "cache")
    await here.follower.reconcile()
    follower = Follower(Away(), here.catalogue, here.residency)  # type: ignore[arg-type]
    task = asyncio.create_task(follower.follow())

    await until(lambda: follower.failure is not None)

    assert here.production == "note:1"
    assert not task.done()
    task.cancel()


async def test_the_follower_survives_what_nobody_foresaw(
    registry: Registry, versions: list[Version], engine: FakeEngine, tmp_path: Path
) -> None:
    here = Follows(registry, engine, tmp_path / "cache")
    await here.follower.reconcile()
    task = asyncio.create_task(here.follower.follow())

    async def surprise(name: str, folder: Path) -> None:
        raise RuntimeError("out of memory")

    load, engine.load = engine.load, surprise  # type: ignore[method-assign]
    registry.promote("note", 2, actor="t")
    await until(lambda: "out of memory" in (here.follower.failure or ""))
    engine.load = load  # type: ignore[method-assign]
    await until(lambda: here.production == "note:2")
    await until(lambda: here.follower.failure is None)

    task.cancel()


async def test_two_adapters_with_the_same_files_are_two_to_the_engine(
    registry: Registry, versions: list[Version], engine: FakeEngine, tmp_path: Path
) -> None:
    copy = registry.publish(tmp_path / "note1", name="copy", base=TINY, actor="t")
    here = Follows(registry, engine, tmp_path / "cache")

    for version in (versions[0], copy):
        async with here.residency.lease(version):
            pass

    assert copy.digest == versions[0].digest
    assert set(engine.loaded) == {versions[0].engine_name, copy.engine_name}


async def test_a_version_that_will_not_leave_hurts_no_other_request(
    registry: Registry, versions: list[Version], engine: FakeEngine, tmp_path: Path
) -> None:
    async def refuse(name: str) -> None:
        raise AdapterUnavailable("the engine keeps it")

    engine.unload = refuse  # type: ignore[method-assign]
    here = Follows(registry, engine, tmp_path / "cache", capacity=1)

    for version in versions:
        async with here.residency.lease(version):
            assert version.engine_name in engine.loaded


async def test_a_damaged_file_in_the_cache_is_fetched_again(
    registry: Registry, versions: list[Version], engine: FakeEngine, tmp_path: Path
) -> None:
    folder = registry.checkout(versions[0], tmp_path / "cache")
    (folder / "adapter_model.safetensors").unlink()
    here = Follows(registry, engine, tmp_path / "cache")

    await here.follower.reconcile()

    assert here.production == "note:1"
    assert (folder / "adapter_model.safetensors").is_file()


async def test_room_is_made_by_freeing_the_version_idle_longest(
    registry: Registry, versions: list[Version], engine: FakeEngine, tmp_path: Path
) -> None:
    third = registry.publish(
        make_adapter(tmp_path / "note3", fill=3), name="note", base=TINY, actor="t"
    )
    here = Follows(registry, engine, tmp_path / "cache", capacity=2)

    for version in (versions[0], versions[1], versions[0], third):
        async with here.residency.lease(version):
            pass

    assert set(engine.loaded) == {versions[0].engine_name, third.engine_name}


async def test_many_requests_for_a_cold_version_load_it_once(
    registry: Registry, versions: list[Version], tmp_path: Path
) -> None:
    class CountingEngine(FakeEngine):
        loads = 0

        async def load(self, name: str, folder: Path) -> None:
            self.loads += 1
            await asyncio.sleep(0.01)
            await super().load(name, folder)

    engine = CountingEngine()
    here = Follows(registry, engine, tmp_path / "cache")

    async def one() -> None:
        async with here.residency.lease(versions[0]):
            assert versions[0].engine_name in engine.loaded

    await asyncio.gather(*(one() for _ in range(50)))

    assert engine.loads == 1


def test_polling_keeps_a_move_well_within_a_second() -> None:
    assert swap.POLL_S <= 0.1
