"""The engine never holds more than it can, and what it would not let go of is known."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from medley_registry import Registry, Version
from medley_server import residency
from medley_server.engine.fake import FakeEngine
from medley_server.errors import AdapterUnavailable

from tests.builders import TINY, make_adapter
from tests.unit.server.test_swap import Follows, until


class Strict(FakeEngine):
    """Dies, as vLLM may, if it is given more adapters than it holds."""

    most = 0

    async def load(self, name: str, folder: Path) -> None:
        await super().load(name, folder)
        self.most = max(self.most, len(self.loaded))
        assert self.facts.max_held is None or self.most <= self.facts.max_held


@pytest.fixture
def engine() -> FakeEngine:
    return Strict(max_held=2)


@pytest.fixture
def here(
    registry: Registry, versions: list[Version], engine: FakeEngine, tmp_path: Path
) -> Follows:
    return Follows(registry, engine, tmp_path / "cache")


@pytest.fixture
def third(registry: Registry, versions: list[Version], tmp_path: Path) -> Version:
    folder = make_adapter(tmp_path / "n3", fill=3)
    return registry.publish(folder, name="note", base=TINY, actor="t")


async def test_a_load_waits_while_every_place_is_in_use(
    here: Follows, versions: list[Version], third: Version, engine: FakeEngine
) -> None:
    async with AsyncExitStack() as stack:
        for version in versions:
            await stack.enter_async_context(here.residency.lease(version))
        waiting = asyncio.create_task(here.residency.ensure(third))
        await asyncio.sleep(0.05)
        assert third.engine_name not in engine.loaded
    await waiting

    assert third.engine_name in engine.loaded
    assert len(engine.loaded) == 2


async def test_a_load_that_finds_no_place_in_time_is_refused_and_hurts_nobody(
    here: Follows,
    versions: list[Version],
    third: Version,
    engine: FakeEngine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(residency, "ROOM_S", 0.05)
    async with AsyncExitStack() as stack:
        for version in versions:
            await stack.enter_async_context(here.residency.lease(version))
        with pytest.raises(AdapterUnavailable, match="holds 2 adapters"):
            await here.residency.ensure(third)

        assert set(engine.loaded) == {version.engine_name for version in versions}
    await here.residency.ensure(third)


@pytest.mark.parametrize("is_broken", [False, True])
async def test_a_version_that_was_leaving_as_a_load_gave_up_can_be_served_again(
    here: Follows,
    versions: list[Version],
    third: Version,
    engine: FakeEngine,
    monkeypatch: pytest.MonkeyPatch,
    *,
    is_broken: bool,
) -> None:
    monkeypatch.setattr(residency, "ROOM_S", 0.05)
    monkeypatch.setattr(residency, "UNLOAD_RETRY_S", 0.01)
    unload, may_go = engine.unload, asyncio.Event()

    async def slow(name: str) -> None:
        await may_go.wait()
        if is_broken and name in engine.loaded:
            monkeypatch.undo()
            raise RuntimeError("the call to the engine was lost")
        await unload(name)

    for version in versions:
        await here.residency.ensure(version)
    monkeypatch.setattr(engine, "unload", slow)

    with pytest.raises(AdapterUnavailable, match="finds no place"):
        await here.residency.ensure(third)
    may_go.set()
    await until(lambda: not here.residency.leaving)

    for version in (third, *versions):
        await here.residency.ensure(version)


async def test_many_requests_for_more_versions_than_there_are_places_are_all_answered(
    here: Follows, registry: Registry, versions: list[Version], engine: FakeEngine, tmp_path: Path
) -> None:
    for n in range(3, 7):
        folder = make_adapter(tmp_path / f"n{n}", fill=n)
        registry.publish(folder, name="note", base=TINY, actor="t")

    async def one(version: Version) -> None:
        async with here.residency.lease(version):
            assert version.engine_name in engine.loaded
            await asyncio.sleep(0.001)

    await asyncio.gather(*(one(version) for version in registry.versions("note") * 5))


async def test_what_aliases_answer_with_goes_last_and_comes_back(
    here: Follows, versions: list[Version], third: Version, engine: FakeEngine
) -> None:
    await here.follower.reconcile()
    for version in (versions[1], third):
        await here.residency.ensure(version)
    assert versions[0].engine_name in engine.loaded, "production, and idle the longest"

    async with here.residency.lease(third):
        await here.residency.ensure(versions[1])
        assert versions[0].engine_name not in engine.loaded, "there is no other place"
    async with here.residency.lease(await here.catalogue.resolve("note")):
        assert versions[0].engine_name in engine.loaded


async def test_a_place_that_the_engine_does_not_give_back_is_a_leak_that_is_told_and_retried(
    here: Follows,
    versions: list[Version],
    third: Version,
    engine: FakeEngine,
    caplog: pytest.LogCaptureFixture,
) -> None:
    for version in versions:
        await here.residency.ensure(version)
    engine.keep.add(versions[0].engine_name)

    await here.residency.ensure(third)  # the other one made room

    assert [one.version for one in here.residency.leaving] == [versions[0]]
    assert "note:1 keeps its place in the engine" in caplog.text
    with pytest.raises(AdapterUnavailable, match="does not let go of note:1"):
        await here.residency.ensure(versions[0])
    engine.keep.clear()
    await until(lambda: here.residency.leaving == [])
    await here.residency.ensure(versions[0])


async def test_a_caller_who_goes_away_leaves_no_load_halfway(
    here: Follows, versions: list[Version], engine: FakeEngine
) -> None:
    may_load, load = asyncio.Event(), engine.load

    async def slow(name: str, folder: Path) -> None:
        await may_load.wait()
        await load(name, folder)

    engine.load = slow  # type: ignore[method-assign]
    impatient = asyncio.create_task(here.residency.ensure(versions[0]))
    await asyncio.sleep(0.05)
    impatient.cancel()
    may_load.set()
    await until(lambda: len(here.residency.residents) == 1)

    await here.residency.ensure(versions[0])


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(residency, "UNLOAD_RETRY_S", 0.01)
