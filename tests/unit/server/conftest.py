"""A real registry with two versions, a fake engine, and the service between them."""

import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from medley_registry import Registry, Version, open_registry
from medley_server.engine.fake import FakeEngine
from medley_server.gateway import Gateway
from medley_server.registry_app import create_registry_app
from medley_server.served_base import ServedBase
from medley_server.service import Service
from medley_server.settings import ServeSettings

from tests.builders import TINY, make_adapter, make_base


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a registry that knows a base."""
    folder = tmp_path_factory.mktemp("bare")
    with open_registry(folder / "registry", create=True) as registry:
        registry.add_base(TINY, make_base(folder / "base"), actor="test")
    return folder


@pytest.fixture(scope="session")
def published(bare: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with versions 1 and 2 of `note`, and the folders they came from."""
    folder = tmp_path_factory.mktemp("published")
    shutil.copytree(bare, folder, dirs_exist_ok=True)
    with open_registry(folder / "registry") as registry:
        for n in (1, 2):
            made = make_adapter(folder / f"note{n}", fill=n)
            registry.publish(made, name="note", base=TINY, actor="t", round=n)
        registry.promote("note", 1, actor="test")
    return folder


@pytest.fixture
def registry(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Registry]:
    """Copied rather than made anew for each test, which takes ten times as long."""
    wanted = "published" if "versions" in request.fixturenames else "bare"
    shutil.copytree(request.getfixturevalue(wanted), tmp_path, dirs_exist_ok=True)
    with open_registry(tmp_path / "registry") as registry:
        yield registry


@pytest.fixture
def versions(registry: Registry) -> list[Version]:
    """Versions 1 and 2 of `note`; production is at 1."""
    return registry.versions("note")


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
def settings(tmp_path: Path) -> ServeSettings:
    return ServeSettings(
        base=TINY,
        registry=str(tmp_path / "registry"),
        host="127.0.0.1",
        port=8000,
        api_keys=(),
        max_loras=None,
        cache=tmp_path / "cache",
        max_body_bytes=10_000,
    )


@pytest.fixture
def service(
    registry: Registry, versions: list[Version], engine: FakeEngine, settings: ServeSettings
) -> Service:
    return Service(registry, ServedBase.as_it_is(registry.base(TINY)), engine, settings)


async def not_vllm(scope: Any, receive: Any, send: Any) -> None:
    """Stands for vLLM's app where nothing may reach it but a browser's question."""
    assert scope["method"] == "OPTIONS", f"vLLM's app was asked for {scope['path']}"
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


@pytest.fixture
def gateway(service: Service, registry: Registry, settings: ServeSettings) -> Gateway:
    """The server as it is put together, with the key `root` that may do everything."""
    return Gateway(
        not_vllm,
        service=service,
        api_keys=("root",),
        max_body_bytes=settings.max_body_bytes,
        registry_app=create_registry_app(registry, uploads=settings.uploads),
    )


@pytest_asyncio.fixture
async def http(gateway: Gateway) -> AsyncIterator[httpx.AsyncClient]:
    """A caller with the key `root`."""
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=gateway),
        base_url="http://127.0.0.1:8000",
        headers={"authorization": "Bearer root"},
    ) as client:
        yield client
