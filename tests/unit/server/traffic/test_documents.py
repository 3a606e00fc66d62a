"""Documents under a rule: who gets the canary, and what counts against it."""

from collections.abc import AsyncIterator

import pytest
from medley_registry import Bounds, Registry
from medley_server.engine.fake import FakeEngine
from medley_server.extraction.errors import BlankDocument, EngineError
from medley_server.extraction.served_models import ServedModels
from medley_server.served_base import ServedBase
from medley_server.service import Service

from tests.builders import TINY
from tests.unit.server.traffic.conftest import row
from tests.unit.server.traffic.test_steering import set_traffic, settled

KEYS = [f"clinic-{n}" for n in range(40)]
pytestmark = pytest.mark.usefixtures("versions")


@pytest.fixture
async def models(
    service: Service, registry: Registry, engine: FakeEngine
) -> AsyncIterator[ServedModels]:
    base = ServedBase.as_it_is(registry.base(TINY))
    async with service.running():
        yield ServedModels(service, base, engine, default="note@production")


async def version_for(models: ServedModels, reference: str | None, key: str) -> str:
    async with models.pinned(reference, key=key) as pinned:
        return pinned.reference


async def test_all_documents_of_a_key_go_to_one_side(
    models: ServedModels, service: Service, registry: Registry
) -> None:
    set_traffic(registry, canary=2, weight=50)
    await settled(service, registry)

    first = [await version_for(models, "auto", key) for key in KEYS]
    again = [await version_for(models, "note", key) for key in KEYS]

    assert first == again
    assert set(first) == {"note:1", "note:2"}


async def test_a_document_for_an_exact_version_is_not_split(
    models: ServedModels, service: Service, registry: Registry
) -> None:
    set_traffic(registry, canary=2, weight=100)
    await settled(service, registry)

    assert await version_for(models, "note:1", "clinic") == "note:1"


async def test_failures_take_the_canary_off_and_documents_that_cannot_be_read_do_not(
    models: ServedModels, service: Service, registry: Registry
) -> None:
    bounds = Bounds(max_error_rate=0.1, min_requests=5)
    set_traffic(registry, canary=2, weight=100, bounds=bounds)
    await settled(service, registry)

    for _ in range(6):
        with pytest.raises(BlankDocument):
            async with models.pinned("note"):
                raise BlankDocument("Every page is blank.")
    assert await version_for(models, "note", "clinic") == "note:2"
    for _ in range(6):
        with pytest.raises(EngineError):
            async with models.pinned("note"):
                raise EngineError("It broke off.")

    assert await version_for(models, "note", "clinic") == "note:1"
    assert "fail" in row(service)["halted"]
