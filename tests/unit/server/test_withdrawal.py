"""What is taken back is offered no more, whatever the server is doing at the time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from medley_registry import Registry, Version, VersionState
from medley_registry.leases import Lease
from medley_server import leasing, residency
from medley_server.engine.fake import FakeEngine
from medley_server.errors import AdapterUnavailable, ModelNotFound
from medley_server.service import Service

from tests.builders import TINY, make_adapter
from tests.unit.server.test_swap import Follows, until


@pytest.fixture
def here(
    registry: Registry, versions: list[Version], engine: FakeEngine, tmp_path: Path
) -> Follows:
    """A follower of a registry with note:1 and note:2; production is at 1."""
    return Follows(registry, engine, tmp_path / "cache")


@asynccontextmanager
async def following(here: Follows) -> AsyncIterator[None]:
    await here.follower.reconcile()
    task = asyncio.create_task(here.follower.follow())
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def answers_with(here: Follows, reference: str) -> bool:
    """Whether production is live here at this version; between two it is at none."""
    live = here.catalogue.live_at(("note", "production"))
    return live is not None and live.reference == reference


@pytest.mark.parametrize("state", [VersionState.DRAFT, VersionState.VALIDATED])
async def test_a_version_that_is_not_admitted_yet_is_not_served(
    here: Follows, registry: Registry, tmp_path: Path, state: VersionState
) -> None:
    registry.publish(
        make_adapter(tmp_path / "n3", fill=3), name="note", base=TINY, actor="t", state=state
    )
    await here.follower.reconcile()

    with pytest.raises(ModelNotFound, match=f"note:3 is {state}"):
        await here.catalogue.resolve("note:3")


async def test_a_version_is_served_from_its_admission_on(
    here: Follows, registry: Registry, tmp_path: Path
) -> None:
    draft = VersionState.DRAFT
    registry.publish(
        make_adapter(tmp_path / "n3", fill=3), name="note", base=TINY, actor="t", state=draft
    )
    await here.follower.reconcile()
    registry.lifecycle.validate("note", 3, actor="t")
    registry.lifecycle.admit("note", 3, actor="t")
    await here.follower.reconcile()

    assert "note:3" in [version.reference for version in here.catalogue.versions]


async def test_a_deprecated_version_is_still_served(here: Follows, registry: Registry) -> None:
    registry.lifecycle.deprecate("note", 1, actor="t", reason="old")
    await here.follower.reconcile()

    assert here.production == "note:1"
    assert (await here.catalogue.resolve("note:1")).number == 1


async def test_a_deleted_version_is_not_found_and_says_why(
    here: Follows, registry: Registry
) -> None:
    await here.follower.reconcile()
    registry.lifecycle.delete("note", 2, actor="t", reason="a duplicate")
    await here.follower.reconcile()

    with pytest.raises(ModelNotFound, match="a duplicate"):
        await here.catalogue.resolve("note:2")


@pytest.mark.parametrize("way", ["revoke", "quarantine"])
async def test_what_is_taken_back_while_live_gives_way_and_leaves_when_its_last_request_ends(
    here: Follows, registry: Registry, versions: list[Version], engine: FakeEngine, way: str
) -> None:
    registry.promote("note", 2, actor="t")
    async with following(here):
        async with here.residency.lease(versions[1]):
            if way == "revoke":
                registry.lifecycle.revoke(versions[1].digest, actor="t", reason="leaks")
            else:
                registry.lifecycle.quarantine("note", 2, actor="t", reason="odd")
            await until(lambda: answers_with(here, "note:1"))

            assert versions[1].engine_name in engine.loaded
            with pytest.raises(ModelNotFound, match="note:2 is"):
                await here.catalogue.resolve("note:2")
        await until(lambda: versions[1].engine_name not in engine.loaded)

    assert versions[0].engine_name in engine.loaded


async def test_a_revocation_does_not_wait_for_another_adapters_load(
    here: Follows, registry: Registry, versions: list[Version], engine: FakeEngine, tmp_path: Path
) -> None:
    may_load, load = asyncio.Event(), engine.load

    async def slow(name: str, folder: Path) -> None:
        if name.startswith("large@"):
            await may_load.wait()
        await load(name, folder)

    engine.load = slow  # type: ignore[method-assign]
    registry.promote("note", 2, actor="t")
    async with following(here):
        large = make_adapter(tmp_path / "large", fill=5)
        registry.publish(large, name="large", base=TINY, actor="t")
        registry.promote("large", 1, actor="t")
        await until(lambda: ("large", "production") in here.follower.swaps)

        registry.lifecycle.revoke(versions[1].digest, actor="t", reason="leaks")
        await until(lambda: answers_with(here, "note:1"))

        assert ("large", "production") not in here.catalogue.live
        may_load.set()
        await until(lambda: ("large", "production") in here.catalogue.live)


async def test_a_version_revoked_while_it_loads_never_goes_live(
    here: Follows, registry: Registry, versions: list[Version], engine: FakeEngine
) -> None:
    may_load, load = asyncio.Event(), engine.load

    async def slow(name: str, folder: Path) -> None:
        if name == versions[1].engine_name:
            await may_load.wait()
        await load(name, folder)

    engine.load = slow  # type: ignore[method-assign]
    async with following(here):
        registry.promote("note", 2, actor="t")
        swaps = here.follower.swaps
        await until(lambda: swaps["note", "production"].version.number == 2)

        registry.lifecycle.revoke(versions[1].digest, actor="t", reason="leaks")
        await until(lambda: here.follower.head == registry.head())
        may_load.set()
        await until(lambda: swaps["note", "production"].failure is not None)
        await until(lambda: versions[1].engine_name not in engine.loaded)

        assert here.production == "note:1"


async def test_requests_are_answered_by_the_next_target_while_it_is_being_loaded(
    here: Follows, registry: Registry, versions: list[Version], engine: FakeEngine
) -> None:
    registry.promote("note", 2, actor="t")
    await here.follower.reconcile()
    registry.lifecycle.revoke(versions[1].digest, actor="t", reason="leaks")
    engine.refuse.add(versions[0].engine_name)
    await here.follower.reconcile()
    assert ("note", "production") not in here.catalogue.live

    resolved = await here.catalogue.resolve("note")

    assert resolved.reference == "note:1"
    with pytest.raises(AdapterUnavailable, match="the engine refused"):
        await here.residency.ensure(resolved)


async def test_what_the_engine_would_not_let_go_of_is_asked_again(
    here: Follows,
    registry: Registry,
    versions: list[Version],
    engine: FakeEngine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(residency, "UNLOAD_RETRY_S", 0.0)
    unload, asked = engine.unload, []

    async def reluctant(name: str) -> None:
        asked.append(name)
        if len(asked) < 3:
            raise AdapterUnavailable("the engine keeps it")
        await unload(name)

    engine.unload = reluctant  # type: ignore[method-assign]
    registry.promote("note", 2, actor="t")
    await here.follower.reconcile()
    registry.lifecycle.revoke(versions[1].digest, actor="t", reason="leaks")
    await here.follower.reconcile()
    await until(lambda: versions[1].engine_name not in engine.loaded)

    assert asked == [versions[1].engine_name] * 3


def leases_of(registry: Registry) -> list[Lease]:
    with registry.index.read() as reader:
        return reader.all(Lease)


async def test_a_server_leases_what_it_holds_and_gives_it_up_when_it_stops(
    service: Service, registry: Registry, versions: list[Version]
) -> None:
    async with service.running():
        async with service.lease(versions[1]):
            held = leases_of(registry)

        assert {lease.digest for lease in held} == {version.digest for version in versions}
        assert len({lease.holder for lease in held}) == 1

    assert leases_of(registry) == []


async def test_leases_are_renewed_on_what_is_still_held(
    service: Service,
    registry: Registry,
    versions: list[Version],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(leasing, "RENEWAL_S", 0.01)
    async with service.running():
        (first,) = leases_of(registry)
        await until(lambda: leases_of(registry)[0].expires_at > first.expires_at)


async def test_a_version_that_cannot_be_leased_is_served_all_the_same(
    service: Service, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    from medley_registry import Busy

    def busy(*_: object, **__: object) -> Lease:
        raise Busy("locked")

    monkeypatch.setattr(registry.leases, "take", busy)
    async with service.running():
        assert (await service.resolve("note")).number == 1
