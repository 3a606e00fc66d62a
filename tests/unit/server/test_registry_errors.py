"""What the registry refuses, over HTTP."""

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from medley_registry import (
    AliasProtected,
    Busy,
    NotFound,
    Registry,
    RegistryError,
    Unavailable,
    Version,
    VersionState,
)
from medley_server.errors import (
    REGISTRY_STATUS,
    registry_body,
    registry_headers,
    registry_status,
)

NOTE = "/v1/adapters/note"
PRODUCTION = f"{NOTE}/aliases/production"


def tree(kind: type[RegistryError]) -> Iterator[type[RegistryError]]:
    yield kind
    for below in kind.__subclasses__():
        if below.__module__.startswith("medley_registry"):
            yield from tree(below)


def error_of(answer: httpx.Response) -> dict[str, Any]:
    error: dict[str, Any] = answer.json()["error"]
    return error


def test_every_error_of_the_registry_has_a_status() -> None:
    import medley_registry.registry

    assert medley_registry.registry
    assert set(tree(RegistryError)) == REGISTRY_STATUS.keys()


def test_an_error_nobody_listed_has_the_status_of_its_kind() -> None:
    class Newer(NotFound):
        pass

    assert registry_status(Newer("nothing")) == 404


def test_a_body_carries_code_and_details_and_no_place_of_the_server() -> None:
    protected: Any = registry_body(AliasProtected("note@production", ("one approval",)))
    away: Any = registry_body(Unavailable("/srv/medley cannot be used"))

    assert protected["error"]["code"] == "alias_protected"
    assert protected["error"]["details"] == {"unmet": ("one approval",)}
    assert away["error"]["type"] == "service_unavailable_error"
    assert "/srv" not in str(away)


def test_what_may_pass_says_when_to_come_back() -> None:
    assert registry_headers(Busy("locked")) == {"retry-after": "1"}
    assert registry_headers(NotFound("no")) == {}


async def test_an_unknown_name_gets_the_nearest(
    http: httpx.AsyncClient, versions: list[Version]
) -> None:
    answer = await http.get("/v1/adapters/nota")

    assert (answer.status_code, error_of(answer)["code"]) == (404, "adapter_not_found")
    assert error_of(answer)["details"] == {"nearest": ["note"]}


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("GET", "/v1/adapters/A%20B", None, 400, "invalid_reference"),
        ("GET", f"{NOTE}/versions/9", None, 404, "version_not_found"),
        ("GET", f"{NOTE}/versions/canary", None, 404, "alias_not_found"),
        ("GET", f"{NOTE}/versions/sha256:12", None, 400, "invalid_reference"),
        ("GET", f"{NOTE}/versions/1/files/other.bin", None, 404, "version_not_found"),
        ("GET", f"{NOTE}/versions/1/files/..%2F..%2Fetc", None, 404, "route_not_found"),
        ("GET", f"{NOTE}/aliases/canary/history", None, 404, "alias_not_found"),
        ("GET", f"{PRODUCTION}/history?at=yesterday", None, 400, "bad_request"),
        ("GET", f"{PRODUCTION}/history?at=2026-11-21T08:00:00", None, 400, "bad_request"),
        ("GET", f"{NOTE}/versions?limit=0", None, 400, "bad_request"),
        ("PUT", f"{NOTE}/aliases/sha256", {"number": 1}, 400, "invalid_reference"),
        ("PUT", PRODUCTION, {"number": 9}, 404, "version_not_found"),
        ("PUT", PRODUCTION, {"number": True}, 400, "bad_request"),
        ("PUT", PRODUCTION, {"number": 1, "force": True}, 400, "bad_request"),
        ("PUT", PRODUCTION, None, 400, "bad_request"),
        ("POST", f"{PRODUCTION}/rollback", {}, 409, "nothing_to_roll_back"),
        ("POST", f"{NOTE}/versions/1/revoke", {"reason": "r"}, 409, "alias_in_use"),
        ("DELETE", f"{NOTE}/versions/1", {"reason": "r"}, 409, "alias_in_use"),
        ("POST", f"{NOTE}/versions/1/state", {"state": "validated"}, 409, "illegal_transition"),
        ("POST", f"{NOTE}/versions/1/state", {"state": "revoked"}, 400, "bad_request"),
        ("PUT", f"{PRODUCTION}/policy", {"approvals": 99}, 422, "admission_refused"),
        ("POST", "/v1/access-keys", {"name": "n", "scopes": ["root"]}, 422, "admission_refused"),
        ("DELETE", "/v1/access-keys/none", None, 404, "key_not_found"),
        ("PATCH", PRODUCTION, None, 404, "route_not_found"),
        ("GET", f"{NOTE}/blobs", None, 404, "route_not_found"),
        ("GET", "/v1/adapters.json", None, 404, "route_not_found"),
    ],
)
async def test_a_refusal_has_its_status_and_code(  # noqa: PLR0917
    http: httpx.AsyncClient,
    versions: list[Version],
    method: str,
    path: str,
    body: Any,
    status: int,
    code: str,
) -> None:
    answer = await http.request(method, path, json=body)

    assert (answer.status_code, error_of(answer)["code"]) == (status, code)


async def test_a_version_that_is_not_admitted_is_not_promoted(
    http: httpx.AsyncClient, registry: Registry, versions: list[Version]
) -> None:
    registry.lifecycle.quarantine("note", 2, actor="t", reason="odd")

    answer = await http.put(PRODUCTION, json={"number": 2})

    assert (answer.status_code, error_of(answer)["code"]) == (409, "not_servable")
    assert registry.resolve("note:2").state is VersionState.QUARANTINED


async def test_of_two_promotions_that_expect_the_same_one_is_refused_and_told_where_it_stands(
    http: httpx.AsyncClient, registry: Registry, versions: list[Version]
) -> None:
    for generation in range(1, 11):
        target = 1 + generation % 2
        body = {"number": target, "expected_generation": generation}
        answers = await asyncio.gather(*(http.put(PRODUCTION, json=body) for _ in range(2)))

        assert sorted(answer.status_code for answer in answers) == [200, 409]
        lost = next(answer for answer in answers if answer.status_code == 409)
        assert error_of(lost)["code"] == "stale_generation"
        assert error_of(lost)["details"]["generation"] == generation + 1
    assert len(registry.history("note", alias="production")) == 11


async def test_a_registry_that_is_away_answers_503_and_when_to_try_again(
    http: httpx.AsyncClient, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> None:
        raise Unavailable("/srv/medley/registry.db cannot be used")

    monkeypatch.setattr(registry.index, "read", away)

    answer = await http.get("/v1/adapters")

    assert (answer.status_code, error_of(answer)["code"]) == (503, "unavailable")
    assert "retry-after" in answer.headers
    assert "/srv" not in answer.text


async def test_a_long_body_is_refused_by_routes_that_take_json(http: httpx.AsyncClient) -> None:
    answer = await http.put(PRODUCTION, content=b"x" * 10_001)

    assert (answer.status_code, error_of(answer)["code"]) == (413, "body_too_large")


async def test_a_browsers_question_goes_to_the_layer_that_answers_it_for_all_routes(
    http: httpx.AsyncClient,
) -> None:
    for path in ("/v1/adapters", PRODUCTION, "/v1/events", "/v1/access-keys"):
        assert (await http.options(path)).status_code == 204
