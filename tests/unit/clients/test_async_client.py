"""`AsyncClient` against a real server, and that it is `Client` in all but how it waits."""

import asyncio
import inspect
from pathlib import Path
from typing import Any

import medley
import pytest
from medley import Adapters, AsyncAdapters, AsyncClient, Client
from medley.jobs import AsyncJobs, Jobs
from medley_registry import Version

from tests.builders import TINY, make_adapter
from tests.unit.clients.conftest import Served


@pytest.fixture
def versions(served: Served, name: str, tmp_path: Path) -> list[Version]:
    """Three versions; production is at 1."""
    for number in (1, 2, 3):
        made = make_adapter(tmp_path / f"v{number}", fill=number)
        served.registry.publish(made, name=name, base=TINY, actor="t", round=number)
    served.registry.promote(name, 1, actor="t")
    return served.registry.versions(name)


def public(kind: type) -> set[str]:
    return {name for name in vars(kind) if not name.startswith("_")}


def parameters(method: Any) -> list[tuple[str, Any, Any]]:
    found = inspect.signature(method).parameters.values()
    return [(one.name, one.kind, one.default) for one in found if one.name != "self"]


def test_both_clients_have_the_same_methods_with_the_same_arguments() -> None:
    assert public(AsyncClient) - {"aclose"} == public(Client) - {"close"}
    assert public(AsyncJobs) == public(Jobs)
    for blocking, waiting in ((Client, AsyncClient), (Jobs, AsyncJobs)):
        for name in public(blocking) & public(waiting):
            assert parameters(getattr(blocking, name)) == parameters(getattr(waiting, name)), name


def test_both_kinds_of_adapters_have_the_same_methods_with_the_same_arguments() -> None:
    with Client("http://medley.test") as client:
        adapters, twins = client.adapters, AsyncClient("http://medley.test").adapters

        assert public(AsyncAdapters) == public(Adapters)
        for name in public(Adapters):
            here = {one[0]: one for one in parameters(getattr(adapters, name))}
            there = {one[0]: one for one in parameters(getattr(twins, name))}
            assert here == there, name


async def test_the_registrys_operations_are_there_awaited(
    served: Served, name: str, versions: list[Version], tmp_path: Path
) -> None:
    made = make_adapter(tmp_path / "v4", fill=4)

    async with AsyncClient(served.url, api_key="root") as client:
        adapters = client.adapters
        published = await adapters.publish(made, name=name, base=TINY, note="vierte")
        moved = await adapters.promote(name, 4, expected_generation=1)
        listed = [version async for version in adapters.versions(name)]
        down = await adapters.download(f"{name}@{published.digest}", tmp_path / "down")
        history = await adapters.history(name)
        health = await client.health()

    assert published == served.registry.resolve(f"{name}:4")
    assert (moved.number, history[-1].to_number) == (4, 4)
    assert listed == [published, *versions[::-1]]
    assert down == published
    for path in made.iterdir():
        assert (tmp_path / "down" / path.name).read_bytes() == path.read_bytes()
    assert health.is_ready


async def test_refusals_are_the_same_errors(
    served: Served, name: str, versions: list[Version], tmp_path: Path
) -> None:
    async with AsyncClient(served.url, api_key="root") as client:
        with pytest.raises(medley.NotFound) as missing:
            await client.adapters.get(f"{name}x")
        with pytest.raises(medley.StaleGeneration) as stale:
            await client.adapters.promote(name, 2, expected_generation=9)
        with pytest.raises(medley.InvalidArgument, match="not a name"):
            await client.adapters.get("../access-keys")
        with pytest.raises(medley.NotFound, match="digest"):
            await client.adapters.download(f"{name}@sha256:{'1' * 64}", tmp_path / "down")

    assert missing.value.nearest[0] == name
    assert stale.value.generation == 1
    assert not (tmp_path / "down").exists()


async def test_calls_run_beside_one_another(served: Served, versions: list[Version]) -> None:
    async with AsyncClient(served.url, api_key="root") as client:
        found = await asyncio.gather(*(client.adapters.list() for _ in range(10)))

    assert (
        len({tuple(one) for one in map(tuple, ([a.name for a in names] for names in found))}) == 1
    )


async def test_no_server_is_told_as_unreachable() -> None:
    async with AsyncClient("http://127.0.0.1:9", attempts=1) as client:
        with pytest.raises(medley.Unreachable) as missing:
            await client.models()

    assert not missing.value.was_sent
    assert repr(client) == "AsyncClient('http://127.0.0.1:9')"
