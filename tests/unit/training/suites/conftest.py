"""A registry with two versions of one adapter, and a server in memory that knows them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from medley_registry import Registry, open_registry
from medley_training.suites.evaluated import EvaluatedModel, evaluated_models

from tests.builders import TINY, make_adapter, make_base
from tests.unit.training.suites.fake_server import FakeServer


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    with open_registry(tmp_path / "registry", create=True) as opened:
        opened.add_base(TINY, make_base(tmp_path / "base"), actor="test")
        for number in (1, 2):
            folder = make_adapter(tmp_path / f"adapter-{number}", fill=number)
            opened.publish(folder, name="discharge", base=TINY, actor="test")
        yield opened


@pytest.fixture
def model(registry: Registry) -> EvaluatedModel:
    [found] = evaluated_models(registry, ["discharge:1"])
    return found


@pytest.fixture
def server(registry: Registry) -> FakeServer:
    fake = FakeServer()
    for number in (1, 2):
        version = registry.resolve(f"discharge:{number}")
        fake.digests[version.reference] = str(version.digest)
    return fake
