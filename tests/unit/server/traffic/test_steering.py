import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from medley_registry import Bounds, Registry, Stick, Traffic, Unavailable, Version
from medley_server.engine.fake import FakeEngine
from medley_server.service import Service
from medley_server.traffic import Side, steering

from tests.builders import TINY, make_adapter
from tests.unit.server.test_gateway import caller
from tests.unit.server.traffic.conftest import Answering, chat, row, until

BOUNDS = Bounds(max_error_rate=0.1, min_requests=5)
USERS = [f"user-{n}" for n in range(60)]


def set_traffic(registry: Registry, **traffic: Any) -> None:
    registry.traffic.set("note", "production", Traffic(**traffic), actor="eve")


async def settled(service: Service, registry: Registry) -> None:
    """The server knows the newest rule, and has loaded what it tries."""
    rule = registry.traffic.of("note", "production")
    assert rule is not None

    def holds() -> bool:
        rows = service.health()[1]["traffic"]
        if [one["revision"] for one in rows] != [rule.revision]:
            return False
        loaded = {one["version"] for one in service.health()[1]["resident"]}
        return {version.reference for version in service.steering.tried} <= loaded

    await until(holds)


async def sides_of(client: Any, users: list[str], **more: Any) -> dict[str, str]:
    return {user: (await chat(client, user=user, **more)).json()["model"] for user in users}


async def test_a_share_of_the_users_is_answered_by_the_canary_and_stays_there(
    service: Service, registry: Registry, app: Answering
) -> None:
    async with caller(service, app) as client:
        set_traffic(registry, canary=2, weight=30)
        await settled(service, registry)
        first = await sides_of(client, USERS)
        again = await sides_of(client, USERS)
        set_traffic(registry, canary=2, weight=60)
        await settled(service, registry)
        more = await sides_of(client, USERS)

    assert first == again
    assert set(first.values()) == {"note:1", "note:2"}
    moved = [user for user in USERS if first[user] != more[user]]
    assert moved
    assert {more[user] for user in moved} == {"note:2"}


async def test_an_answer_of_the_canary_bears_its_own_name_and_digest(
    service: Service, registry: Registry, app: Answering, versions: list[Version]
) -> None:
    set_traffic(registry, canary=2, weight=100)

    async with caller(service, app) as client:
        await settled(service, registry)
        answer = await chat(client)

    assert answer.json()["model"] == "note:2"
    assert answer.headers["x-medley-digest"] == str(versions[1].digest)
    assert answer.headers["x-medley-round"] == "2"
    assert app.asked[0][1]["cache_salt"] == versions[1].digest.hex


@pytest.mark.parametrize("model", ["note:1", "note@sha256:{hex}"])
async def test_an_exact_version_is_never_split(
    service: Service, registry: Registry, app: Answering, versions: list[Version], model: str
) -> None:
    set_traffic(registry, canary=2, weight=100)

    async with caller(service, app) as client:
        await settled(service, registry)
        answer = await chat(client, model.format(hex=versions[0].digest.hex))

    assert answer.json()["model"] == "note:1"
    assert row(service)["sides"]["stable"]["requests"] == 0


async def test_a_user_counts_before_the_key_and_without_one_the_key_does(
    service: Service, registry: Registry, app: Answering
) -> None:
    set_traffic(registry, canary=2, weight=50)

    async with caller(service, app) as client:
        await settled(service, registry)
        by_user = set((await sides_of(client, USERS)).values())
        by_key = {(await chat(client)).json()["model"] for _ in range(20)}
        by_identifier = {
            (await chat(client, safety_identifier=user)).json()["model"] for user in USERS
        }
        set_traffic(registry, canary=2, weight=50, stick=Stick.KEY)
        await settled(service, registry)
        only_key = set((await sides_of(client, USERS)).values())
        set_traffic(registry, canary=2, weight=50, stick=Stick.REQUEST)
        await settled(service, registry)
        by_request = {(await chat(client, user="one")).json()["model"] for _ in range(60)}

    assert [len(found) for found in (by_user, by_key, by_identifier)] == [2, 1, 2]
    assert (len(only_key), len(by_request)) == (1, 2)


async def test_testers_choose_their_side_and_count_for_none(
    service: Service, registry: Registry, app: Answering
) -> None:
    set_traffic(registry, canary=2, weight=0)

    async with caller(service, app) as client:
        await settled(service, registry)
        found = [(await chat(client, wish=wish)).json()["model"] for wish in ("canary", "2", "1")]
        set_traffic(registry, canary=2, weight=100)
        await settled(service, registry)
        stable = (await chat(client, wish="stable")).json()["model"]
        told = row(service)["sides"]

    assert found == ["note:2", "note:2", "note:1"]
    assert stable == "note:1"
    assert [side["requests"] for side in told.values()] == [0, 0, 0]


@pytest.mark.parametrize(
    ("model", "wish", "code"),
    [
        ("note", "canary", "model_not_found"),
        ("note", "9", "model_not_found"),
        ("note", "newest", "bad_request"),
        ("note", "0", "model_not_found"),
        ("note:1", "2", "bad_request"),
    ],
)
async def test_a_wish_for_what_is_not_there_is_refused(
    service: Service, app: Answering, model: str, wish: str, code: str
) -> None:
    async with caller(service, app) as client:
        answer = await chat(client, model, wish=wish)

    assert answer.json()["error"]["code"] == code
    assert app.asked == []


async def test_a_key_that_may_not_use_the_adapter_may_not_choose_its_version(
    service: Service, registry: Registry, app: Answering
) -> None:
    _, secret = registry.access.add("ward", scopes=["infer:other-*"], actor="t")

    async with caller(service, app) as client:
        client.headers["authorization"] = f"Bearer {secret}"
        answer = await chat(client, wish="2")

    assert answer.json()["error"]["code"] == "adapter_forbidden"


async def test_a_canary_that_cannot_be_loaded_gets_nothing_and_health_says_why(
    service: Service,
    registry: Registry,
    app: Answering,
    engine: FakeEngine,
    versions: list[Version],
) -> None:
    engine.refuse.add(versions[1].engine_name)
    set_traffic(registry, canary=2, weight=100)

    async with caller(service, app) as client:
        await until(lambda: bool(service.health()[1]["traffic"][0]["not_loaded"]))
        answer = await chat(client)

    assert answer.json()["model"] == "note:1"
    assert "refused" in row(service)["not_loaded"]["2"]


async def test_a_canary_that_is_taken_back_gets_nothing_from_the_next_look_on(
    service: Service, registry: Registry, app: Answering
) -> None:
    set_traffic(registry, canary=2, weight=100)

    async with caller(service, app) as client:
        await settled(service, registry)
        assert (await chat(client)).json()["model"] == "note:2"
        registry.lifecycle.quarantine("note", 2, actor="t", reason="odd answers")
        await until(lambda: service.health()[1]["registry"]["head"] == registry.head())

        assert (await chat(client)).json()["model"] == "note:1"


async def test_canary_and_shadow_stay_loaded_though_nobody_asks_them(
    service: Service, registry: Registry, app: Answering, versions: list[Version]
) -> None:
    set_traffic(registry, canary=2, weight=0)

    async with caller(service, app):
        await settled(service, registry)

        assert service.steering.tried == [versions[1]]
        loaded = [one["version"] for one in service.health()[1]["resident"]]
        assert sorted(loaded) == ["note:1", "note:2"]


async def test_a_canary_that_fails_is_halted_in_the_registry(
    service: Service, registry: Registry, app: Answering
) -> None:
    set_traffic(registry, canary=2, weight=100, bounds=BOUNDS)
    app.failing.add(2)

    async with caller(service, app) as client:
        await settled(service, registry)
        statuses = [(await chat(client)).status_code for _ in range(3)]
        await until(lambda: bool(registry.traffic.history("note", "production")[-1].halted))
        await settled(service, registry)
        after = await chat(client)

    rule = registry.traffic.of("note", "production")
    assert rule is not None
    assert statuses == [500, 200, 200], "one failure in five is more than a tenth"
    assert after.json()["model"] == "note:1"
    assert (rule.traffic.canary, rule.traffic.weight) == (2, 0)
    assert rule.halted == "version 2 as canary: 1 of 1 requests failed; 0.1 may"
    assert rule.actor.startswith("server ")
    assert row(service)["halted"] == rule.halted


async def test_while_the_registry_is_away_the_canary_is_left_alone_and_it_is_told_later(
    service: Service, registry: Registry, app: Answering, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_traffic(registry, canary=2, weight=100, bounds=BOUNDS)
    app.failing.add(2)
    halt, tries = registry.traffic.halt, []

    def away(*args: Any, **more: Any) -> Any:
        tries.append(more)
        if len(tries) < 3:
            raise Unavailable("the disk is gone") if len(tries) == 1 else RuntimeError("surprise")
        return halt(*args, **more)

    monkeypatch.setattr(registry.traffic, "halt", away)
    monkeypatch.setattr(steering, "RETRY_S", 0.01)

    async with caller(service, app) as client:
        await settled(service, registry)
        statuses = [(await chat(client)).status_code for _ in range(4)]
        is_told_here = row(service)["halted"]
        await until(lambda: bool(registry.traffic.history("note", "production")[-1].halted))

    assert statuses == [500, 200, 200, 200]
    assert "1 of 1 requests failed" in is_told_here
    assert len(tries) == 3


async def test_a_promotion_that_fails_while_it_is_watched_is_rolled_back(
    service: Service, registry: Registry, app: Answering
) -> None:
    bounds = Bounds(max_error_rate=0.1, min_requests=5, watch_s=3600)
    set_traffic(registry, bounds=bounds)
    app.failing.add(2)

    async with caller(service, app) as client:
        registry.promote("note", 2, actor="eve")
        await until(lambda: service.health()[1]["registry"]["head"] == registry.head())
        await until(lambda: service.health()[1]["swaps"][-1]["version"] == "note:2")
        await until(lambda: "live" in service.health()[1]["swaps"][-1]["phases_s"])
        failed = await chat(client)
        await until(lambda: registry.resolve("note").number == 1)
        await until(lambda: service.health()[1]["swaps"][-1]["version"] == "note:1")
        await until(lambda: "live" in service.health()[1]["swaps"][-1]["phases_s"])
        after = await chat(client)
        app.failing.add(1)
        for _ in range(5):
            await chat(client)

    assert (failed.status_code, after.json()["model"]) == (500, "note:1")
    moves = [(move.to_number, move.reason) for move in registry.history("note")]
    assert moves == [(1, "promote"), (2, "promote"), (1, "rollback")], "never further back"
    assert registry.history("note")[-1].actor.startswith("server ")


async def test_two_replicas_share_the_same_users_out_alike(
    service: Service, registry: Registry, app: Answering, settings: Any, tmp_path: Path
) -> None:
    from dataclasses import replace

    from medley_server.served_base import ServedBase

    other = Service(
        registry,
        ServedBase.as_it_is(registry.base(TINY)),
        FakeEngine(),
        replace(settings, cache=tmp_path / "other-cache"),
    )
    set_traffic(registry, canary=2, weight=40)

    async with caller(service, app) as here, caller(other, app) as there:
        await settled(service, registry)
        await settled(other, registry)

        assert await sides_of(here, USERS) == await sides_of(there, USERS)


async def test_whoever_observes_is_told_of_each_request_that_counts(
    service: Service, registry: Registry, app: Answering
) -> None:
    seen: list[tuple[str, Side, str]] = []
    service.steering.observe = lambda *one: seen.append(one)
    set_traffic(registry, canary=2, weight=100)

    async with caller(service, app) as client:
        await settled(service, registry)
        await chat(client)
        app.failing.add(2)
        await chat(client)

    reference = "note@production"
    assert seen == [(reference, Side.CANARY, "answered"), (reference, Side.CANARY, "failed")]


@pytest.fixture
def third(registry: Registry, versions: list[Version], app: Answering, tmp_path: Path) -> Version:
    version = registry.publish(
        make_adapter(tmp_path / "note3", fill=3), name="note", base=TINY, actor="t"
    )
    app.names[version.engine_name] = 3
    return version


@pytest.mark.parametrize("is_stream", [False, True])
async def test_a_shadow_is_asked_what_callers_were_answered_and_nobody_hears_it(
    service: Service, registry: Registry, app: Answering, third: Version, is_stream: bool
) -> None:
    app.saying |= {1: '{"dose": "5", "name": "a"}', 3: '{"dose": "6", "name": "a"}'}
    set_traffic(registry, shadow=3, share=100)
    schema: dict[str, Any] = {"properties": {"dose": {}, "name": {}}}
    wanted = {"type": "json_schema", "json_schema": {"schema": schema}}

    async with caller(service, app) as client:
        await settled(service, registry)
        more: dict[str, Any] = {"stream": is_stream, "response_format": wanted, "n": 1}
        answer = await chat(client, messages=[{"role": "user", "content": "read"}], **more)
        await until(lambda: row(service)["sides"]["shadow"]["requests"] == 1)

    assert answer.headers["x-medley-digest"] == str(registry.resolve("note:1").digest)
    assert app.numbers == [1, 3]
    copy = app.asked[1][1]
    assert copy["messages"] == [{"role": "user", "content": "read"}]
    assert copy["cache_salt"] == third.digest.hex
    assert not {"stream", "n", "user"} & copy.keys()
    shadow = row(service)["sides"]["shadow"]
    assert (shadow["agreement"], shadow["exact"], shadow["compared"]) == (0.5, 0, 1)
    assert shadow["fields"] == {"dose": 0.0, "name": 1.0}
    assert "6" not in json.dumps(shadow["fields"])


async def test_a_shadow_that_disagrees_is_taken_off(
    service: Service, registry: Registry, app: Answering, third: Version
) -> None:
    app.saying[3] = "something else"
    bounds = Bounds(min_agreement=0.9, min_requests=3)
    set_traffic(registry, canary=2, weight=0, shadow=3, share=100, bounds=bounds)

    async with caller(service, app) as client:
        await settled(service, registry)
        for _ in range(3):
            await chat(client)
        await until(lambda: bool(registry.traffic.history("note", "production")[-1].halted))

    rule = registry.traffic.of("note", "production")
    assert rule is not None
    assert (rule.traffic.shadow, rule.traffic.share, rule.traffic.canary) == (3, 0, 2)
    assert "agreement is 0.000 over 3 answers" in rule.halted


async def test_a_shadow_that_fails_hurts_nobody(
    service: Service, registry: Registry, app: Answering, third: Version
) -> None:
    app.failing.add(3)
    set_traffic(registry, shadow=3, share=100, bounds=BOUNDS)

    async with caller(service, app) as client:
        await settled(service, registry)
        answer = await chat(client)
        await until(lambda: bool(registry.traffic.history("note", "production")[-1].halted))

    assert answer.status_code == 200
    assert "as shadow: 1 of 1 requests failed" in row(service)["halted"]


async def test_counts_begin_anew_with_each_rule(
    service: Service, registry: Registry, app: Answering
) -> None:
    set_traffic(registry, canary=2, weight=100)

    async with caller(service, app) as client:
        await settled(service, registry)
        await asyncio.gather(*(chat(client) for _ in range(4)))
        before = row(service)["sides"]["canary"]["requests"]
        set_traffic(registry, canary=2, weight=90)
        await settled(service, registry)

    assert (before, row(service)["sides"]["canary"]["requests"]) == (4, 0)
