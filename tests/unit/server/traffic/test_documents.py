"""Documents under a rule: who gets the canary, and what counts against it."""

from collections.abc import AsyncIterator

import pytest
from medley_registry import Bounds, Registry
from medley_server.engine.fake import FakeEngine
from medley_server.extraction.completer import AppCompleter
from medley_server.extraction.errors import BlankDocument, EngineError
from medley_server.extraction.question import Question
from medley_server.extraction.served_models import ServedModels
from medley_server.served_base import ServedBase
from medley_server.service import Service

from tests.builders import TINY
from tests.unit.server.traffic.conftest import Answering, row, until
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


async def test_a_share_of_the_documents_is_asked_of_the_shadow_too_question_by_question(
    models: ServedModels, service: Service, registry: Registry, app: Answering
) -> None:
    app.saying = {1: '{"labs": [{"name": "K", "value": 4}]}', 2: '{"labs": [{"name": "K"}]}'}
    set_traffic(registry, shadow=2, share=100)
    await settled(service, registry)
    engine = AppCompleter(app, is_alive=lambda: True)
    lab = {"name": {"type": "string"}, "value": {"type": "number"}}
    labs = {"type": "array", "items": {"type": "object", "properties": lab, "required": [*lab]}}
    schema = {"type": "object", "properties": {"labs": labs}, "required": ["labs"]}

    async with models.pinned("note") as pinned:
        for n in range(3):
            asked = ({"role": "user", "content": f"row {n}"},)
            answer = await engine.complete(
                Question(model=pinned, messages=asked, max_tokens=9, wants_logprobs=True)
                if n
                else Question(model=pinned, messages=asked, max_tokens=9, schema=schema)
            )
            assert answer.text == app.saying[1]
    await until(lambda: app.numbers.count(2) == 3)
    await until(lambda: row(service)["sides"]["shadow"].get("compared") == 3)

    shadow = row(service)["sides"]["shadow"]
    assert shadow["fields"] == {"labs.name": 1.0, "labs.value": 0.0, "other": 0.5}
    assert not any(request.get("logprobs") for number, request in app.asked if number == 2)


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
