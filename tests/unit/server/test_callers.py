import asyncio
from datetime import timedelta
from typing import Any

import pytest
from medley_registry import AccessDenied, AccessKey, Registry, Unavailable
from medley_registry.timestamps import now
from medley_server import callers
from medley_server.callers import OPEN, PAGE, Caller, Callers
from medley_server.errors import Forbidden, RegistryAway, Unauthorized


def request(secret: str | None = None, **headers: str) -> dict[str, Any]:
    lines = {"host": "127.0.0.1:8000"} | headers
    if secret is not None:
        lines["authorization"] = f"Bearer {secret}"
    return {"headers": [(name.encode(), value.encode()) for name, value in lines.items()]}


class Keys:
    """Access keys that can be away, and count how often they are asked."""

    def __init__(self, registry: Registry) -> None:
        self.access = registry.access
        self.asked = 0
        self.is_away = False

    def keys(self) -> list[AccessKey]:
        self._count()
        return self.access.keys()

    def authenticate(self, secret: str) -> AccessKey:
        self._count()
        return self.access.authenticate(secret)

    def _count(self) -> None:
        self.asked += 1
        if self.is_away:
            raise Unavailable("the disk is gone")


@pytest.fixture
def keys(registry: Registry) -> Keys:
    return Keys(registry)


def of(keys: Keys, *configured: str, is_local: bool = True) -> Callers:
    return Callers(keys, configured, is_local=is_local)  # type: ignore[arg-type]


async def test_a_server_without_keys_is_open_to_its_own_machine(keys: Keys) -> None:
    assert await of(keys).identify(request()) == OPEN


async def test_a_server_that_others_can_reach_is_open_to_nobody(keys: Keys) -> None:
    with pytest.raises(Unauthorized):
        await of(keys, is_local=False).identify(request())


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:3000"},
        {"host": "evil.example:8000", "origin": "http://evil.example:8000"},
        {"host": "evil.example"},
        {"host": ""},
    ],
)
async def test_a_web_page_of_some_site_may_not_manage_an_open_server(
    keys: Keys, headers: dict[str, str]
) -> None:
    caller = await of(keys).identify(request(**headers))

    assert caller == PAGE
    assert not caller.allows("admin")


@pytest.mark.parametrize("host", ["localhost", "localhost:8000", "127.0.0.1", "[::1]:8000"])
async def test_a_page_of_the_servers_own_may(keys: Keys, host: str) -> None:
    assert await of(keys).identify(request(host=host, origin=f"http://{host}")) == OPEN


async def test_the_first_key_closes_the_door_and_taking_it_back_does_not_open_it(
    keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(callers, "FRESH_S", 0.0)
    here = of(keys)
    await here.identify(request())
    key, _ = keys.access.add("first", scopes=["infer"], actor="t")

    for _ in range(2):
        with pytest.raises(Unauthorized):
            await here.identify(request())
        if keys.access.keys()[0].revoked_at is None:
            keys.access.revoke(key.key_id, actor="t")


async def test_configured_keys_may_do_everything_and_are_told_apart(keys: Keys) -> None:
    here = of(keys, "one", "two")

    assert (await here.identify(request("two"))).name == "configured key 2"
    assert (await here.identify(request("one"))).allows("promote:production")
    assert keys.asked == 0


async def test_a_key_is_looked_up_once_while_its_answer_is_fresh(keys: Keys) -> None:
    _, secret = keys.access.add("app", scopes=["infer"], actor="t")
    here = of(keys, "root")

    found = await asyncio.gather(*(here.identify(request(secret)) for _ in range(20)))

    assert keys.asked == 1
    assert {caller.scopes for caller in found} == {frozenset({"infer"})}


async def test_a_revoked_key_opens_nothing_once_its_answer_is_no_longer_fresh(
    keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, secret = keys.access.add("app", scopes=["infer"], actor="t")
    here = of(keys, "root")
    await here.identify(request(secret))
    keys.access.revoke(key.key_id, actor="t")
    monkeypatch.setattr(callers, "FRESH_S", 0.0)

    with pytest.raises(Unauthorized):
        await here.identify(request(secret))


async def test_an_expired_key_opens_nothing_though_its_answer_is_fresh(
    keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    until = now() + timedelta(hours=1)
    _, secret = keys.access.add("app", scopes=["infer"], actor="t", expires_at=until)
    here = of(keys, "root")
    await here.identify(request(secret))

    def denied(_: str) -> AccessKey:
        raise AccessDenied("no valid access key")

    monkeypatch.setattr(callers, "now", lambda: until)
    monkeypatch.setattr(keys, "authenticate", denied)

    with pytest.raises(Unauthorized):
        await here.identify(request(secret))


async def test_a_known_key_is_believed_while_the_registry_is_away(
    keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, secret = keys.access.add("app", scopes=["infer"], actor="t")
    _, other = keys.access.add("other", scopes=["infer"], actor="t")
    here = of(keys, "root")
    await here.identify(request(secret))
    keys.is_away = True
    monkeypatch.setattr(callers, "FRESH_S", 0.0)

    assert (await here.identify(request(secret))).allows("infer")
    with pytest.raises(RegistryAway):
        await here.identify(request(other))
    monkeypatch.setattr(callers, "AWAY_S", 0.0)
    with pytest.raises(RegistryAway):
        await here.identify(request(secret))


async def test_an_open_server_whose_registry_never_answered_lets_nobody_in(keys: Keys) -> None:
    keys.is_away = True

    with pytest.raises(RegistryAway):
        await of(keys).identify(request())


@pytest.mark.parametrize(
    ("scopes", "wanted", "is_allowed"),
    [
        ({"infer"}, "infer", True),
        ({"infer"}, "publish", False),
        ({"admin"}, "promote:production", True),
        ({"promote:*"}, "promote:canary", True),
        ({"promote:canary"}, "promote:production", False),
        ({"promote:*"}, "publish", False),
    ],
)
def test_a_scope_holds_what_it_says(scopes: set[str], wanted: str, is_allowed: bool) -> None:
    caller = Caller("c", frozenset(scopes))

    assert caller.allows(wanted) == is_allowed
    if not is_allowed:
        with pytest.raises(Forbidden, match=wanted.replace("*", r"\*")):
            caller.require(wanted)
