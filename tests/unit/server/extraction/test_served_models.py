"""References to versions, over a real registry and service."""

from collections.abc import AsyncIterator

import pytest
from medley_registry import Registry, Version
from medley_server.callers import Caller
from medley_server.engine.fake import FakeEngine
from medley_server.errors import AdapterForbidden
from medley_server.extraction.errors import AdapterNotFound
from medley_server.extraction.served_models import ServedModels
from medley_server.observing.request_record import CURRENT, RequestRecord
from medley_server.served_base import ServedBase
from medley_server.service import Service

from tests.builders import TINY


@pytest.fixture
async def running(service: Service) -> AsyncIterator[Service]:
    async with service.running():
        yield service


@pytest.fixture
def models(running: Service, registry: Registry, engine: FakeEngine) -> ServedModels:
    base = ServedBase.as_it_is(registry.base(TINY))
    return ServedModels(running, base, engine, default="note@production")


@pytest.mark.parametrize("reference", [None, "auto", "note", "note:1", "note@production"])
async def test_one_version_answers_and_is_held_meanwhile(
    models: ServedModels, versions: list[Version], engine: FakeEngine, reference: str | None
) -> None:
    async with models.pinned(reference) as pinned:
        assert pinned.engine_name in engine.loaded

    assert pinned.engine_name == versions[0].engine_name
    assert pinned.salt == versions[0].digest.hex
    assert pinned.served.adapter == "note:1"
    assert pinned.served.adapter_digest == str(versions[0].digest)
    assert pinned.served.round == 1
    assert pinned.served.engine == "fake 0"


async def test_the_base_answers_where_the_usual_alias_is_not_there(
    running: Service, registry: Registry, engine: FakeEngine
) -> None:
    models = ServedModels(running, ServedBase.as_it_is(registry.base(TINY)), engine)

    async with models.pinned("auto") as pinned:
        assert (pinned.engine_name, pinned.salt) == (TINY, None)

    assert pinned.served.adapter is None


async def test_the_base_can_be_asked_for_by_its_name(models: ServedModels) -> None:
    async with models.pinned(TINY) as pinned:
        assert pinned.reference == TINY


async def test_an_adapter_that_is_not_there_is_told_with_the_nearest(models: ServedModels) -> None:
    with pytest.raises(AdapterNotFound) as unknown:
        async with models.pinned("not"):
            pass

    assert unknown.value.details["nearest"]
    assert unknown.value.status == 404


ANYBODY, LIMITED = Caller("a", frozenset({"infer"})), Caller("b", frozenset({"infer:other"}))


@pytest.mark.parametrize("reference", [None, "auto", "note", "note:1", TINY])
async def test_what_is_there_may_be_used_by_whoever_may_infer(
    models: ServedModels, reference: str | None
) -> None:
    await models.check(reference, ANYBODY)


@pytest.mark.parametrize("reference", [None, "auto", "note", "note:1", "note:99", "nobody"])
async def test_an_adapter_of_others_is_refused_whether_it_is_there_or_not(
    models: ServedModels, reference: str | None
) -> None:
    with pytest.raises(AdapterForbidden):
        await models.check(reference, LIMITED)


async def test_the_base_is_for_everybody_who_may_infer(
    running: Service, registry: Registry, engine: FakeEngine
) -> None:
    models = ServedModels(running, ServedBase.as_it_is(registry.base(TINY)), engine)

    await models.check(TINY, LIMITED)
    await models.check("auto", LIMITED)  # the usual alias is not there, so the base would answer


async def test_an_adapter_that_is_not_there_is_told_before_any_work(models: ServedModels) -> None:
    with pytest.raises(AdapterNotFound):
        await models.check("note:99", ANYBODY)


@pytest.mark.parametrize(("is_whole", "seen"), [(False, "note:1"), (True, None)])
async def test_a_request_that_waits_is_told_which_version_answers(
    models: ServedModels, is_whole: bool, seen: str | None
) -> None:
    record = RequestRecord(method="POST", route="/v1/extract", request_id="r", is_whole=is_whole)
    token = CURRENT.set(record)
    try:
        async with models.pinned("note"):
            pass
    finally:
        CURRENT.reset(token)

    assert (record.version.reference if record.version else None) == seen
