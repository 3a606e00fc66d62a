"""A real registry with two versions, a fake engine, and the service between them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from medley_registry import Registry, Version, open_registry
from medley_server.engine.fake import FakeEngine
from medley_server.service import Service
from medley_server.settings import ServeSettings

from tests.builders import TINY, make_adapter, make_base


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    with open_registry(tmp_path / "registry", create=True) as registry:
        registry.add_base(TINY, make_base(tmp_path / "base"), actor="test")
        yield registry


@pytest.fixture
def versions(registry: Registry, tmp_path: Path) -> list[Version]:
    """Versions 1 and 2 of `note`; production is at 1."""
    published = [
        registry.publish(
            make_adapter(tmp_path / f"note{n}", fill=n), name="note", base=TINY, actor="t", round=n
        )
        for n in (1, 2)
    ]
    registry.promote("note", 1, actor="test")
    return published


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
    return Service(registry, registry.base(TINY), engine, settings)
