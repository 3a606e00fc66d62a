"""A real server on a port of its own, with a real registry and no engine behind it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from medley import Client
from medley_registry import Registry, open_registry

from tests.builders import TINY, make_base


@dataclass(frozen=True)
class Served:
    """A registry, and where it is served; the key `root` may do everything."""

    registry: Registry
    url: str

    def client(self, **more: Any) -> Client:
        return Client(self.url, **{"api_key": "root", **more})


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("served")) as served:
        yield served


@contextmanager
def serving(folder: Path) -> Iterator[Served]:
    """A server with a registry in this folder, for as long as the block lasts."""
    import uvicorn
    from medley_server.engine.fake import FakeEngine
    from medley_server.gateway import Gateway
    from medley_server.registry_app import create_registry_app
    from medley_server.served_base import ServedBase
    from medley_server.service import Service
    from medley_server.settings import ServeSettings

    from tests.unit.server.conftest import not_vllm

    settings = ServeSettings(
        base=TINY,
        registry=str(folder / "registry"),
        host="127.0.0.1",
        port=8000,
        api_keys=("root",),
        max_loras=None,
        cache=folder / "cache",
    )
    with open_registry(folder / "registry", create=True) as registry:
        base = registry.add_base(TINY, make_base(folder / "base"), actor="test")
        gateway = Gateway(
            not_vllm,
            service=Service(registry, ServedBase.as_it_is(base), FakeEngine(), settings),
            api_keys=settings.api_keys,
            max_body_bytes=settings.max_body_bytes,
            registry_app=create_registry_app(registry, uploads=settings.uploads),
        )
        config = uvicorn.Config(gateway, port=0, log_level="critical", lifespan="off", ws="none")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run)
        thread.start()
        while not server.started:
            thread.join(0.01)
        (port,) = {s.getsockname()[1] for one in server.servers for s in one.sockets}
        yield Served(registry, f"http://127.0.0.1:{port}")
        server.should_exit = True
        thread.join()


@pytest.fixture
def client(served: Served) -> Iterator[Client]:
    with served.client() as client:
        yield client


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """An adapter's name that no other test has."""
    return f"a{abs(hash(request.node.nodeid)):x}"[:20]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    from tests.builders import make_adapter

    return make_adapter(tmp_path / "made", fill=3)


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long was waited; nobody waits here."""
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr("medley.client.time.sleep", waited.append)
    monkeypatch.setattr("medley.async_client.sleep", sleep)
    return waited
