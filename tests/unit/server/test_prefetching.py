"""What an alias may reach next is fetched and checked before anyone promotes it."""

import shutil
from pathlib import Path

import pytest
from medley_registry import Registry, Version
from medley_server.engine.fake import FakeEngine
from medley_server.prefetching import Prefetcher

from tests.builders import TINY, make_adapter
from tests.unit.server.test_swap import Follows


@pytest.fixture
def here(
    registry: Registry, versions: list[Version], engine: FakeEngine, tmp_path: Path
) -> Follows:
    return Follows(registry, engine, tmp_path / "cache")


def told(prefetcher: Prefetcher) -> dict[str, str | None]:
    return {row["version"]: row["failure"] for row in prefetcher.rows}


async def test_the_newest_version_of_each_adapter_is_fetched_newest_first(
    here: Follows, registry: Registry, tmp_path: Path
) -> None:
    registry.publish(make_adapter(tmp_path / "other", fill=5), name="other", base=TINY, actor="t")
    await here.follower.reconcile()
    prefetcher = Prefetcher(here.catalogue, here.residency.fetcher)

    assert await prefetcher.fetch_one()
    assert told(prefetcher) == {"other:1": None}
    assert await prefetcher.fetch_one()
    assert not await prefetcher.fetch_one()

    assert told(prefetcher) == {"other:1": None, "note:2": None}


async def test_a_promotion_then_needs_nothing_of_the_registrys_bytes(
    here: Follows, registry: Registry, engine: FakeEngine, tmp_path: Path
) -> None:
    await here.follower.reconcile()
    prefetcher = Prefetcher(here.catalogue, here.residency.fetcher)
    await prefetcher.fetch_one()
    shutil.rmtree(tmp_path / "registry" / "blobs")

    registry.promote("note", 2, actor="t")
    await here.follower.reconcile()

    assert here.production == "note:2"


async def test_what_a_newer_version_replaced_may_go(
    here: Follows, registry: Registry, versions: list[Version], tmp_path: Path
) -> None:
    await here.follower.reconcile()
    prefetcher = Prefetcher(here.catalogue, here.residency.fetcher)
    await prefetcher.fetch_one()
    registry.publish(make_adapter(tmp_path / "n3", fill=3), name="note", base=TINY, actor="t")
    await here.follower.reconcile()

    await prefetcher.fetch_one()

    assert told(prefetcher) == {"note:3": None}


async def test_no_more_is_fetched_than_there_is_room_for(
    here: Follows, registry: Registry, versions: list[Version], tmp_path: Path
) -> None:
    registry.publish(make_adapter(tmp_path / "other", fill=5), name="other", base=TINY, actor="t")
    await here.follower.reconcile()
    most = versions[0].size_bytes + 1
    prefetcher = Prefetcher(here.catalogue, here.residency.fetcher, most_bytes=most)

    assert await prefetcher.fetch_one()

    assert not await prefetcher.fetch_one()
    assert told(prefetcher) == {"other:1": None}


async def test_what_cannot_be_fetched_is_told_and_left_alone_for_a_while(
    here: Follows, registry: Registry, tmp_path: Path
) -> None:
    await here.follower.reconcile()
    shutil.rmtree(tmp_path / "registry" / "blobs")
    prefetcher = Prefetcher(here.catalogue, here.residency.fetcher)

    assert await prefetcher.fetch_one()
    assert not await prefetcher.fetch_one()

    assert "cannot be fetched" in (told(prefetcher)["note:2"] or "")


async def test_a_version_that_is_taken_back_is_fetched_no_more(
    here: Follows, registry: Registry
) -> None:
    registry.lifecycle.quarantine("note", 2, actor="t", reason="odd")
    await here.follower.reconcile()
    prefetcher = Prefetcher(here.catalogue, here.residency.fetcher)

    await prefetcher.fetch_one()

    assert told(prefetcher) == {}, "and what production answers with is here already"
