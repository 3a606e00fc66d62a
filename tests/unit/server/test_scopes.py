"""Which scope opens which route; a route that is not in the table fails the test."""

from typing import Any

import httpx
from fastapi import FastAPI
from fastapi.routing import APIRoute
from medley_registry import Registry, Version
from medley_server.registry_app import create_registry_app
from medley_server.settings import ServeSettings

ALL = {"infer", "publish", "promote:production", "promote:canary", "promote:*"}
PUBLISHERS = {"publish"}
PROMOTERS = {"promote:production", "promote:*"}
FILES = {"infer", "publish"}
ONLY_ADMIN: set[str] = set()

VERSION = "/v1/adapters/{name}/versions/{number}"
ALIAS = "/v1/adapters/{name}/aliases/{alias}"
ROUTES: dict[tuple[str, str], set[str]] = {
    ("GET", "/v1/adapters"): ALL,
    ("GET", "/v1/adapters/{name}"): ALL,
    ("GET", "/v1/adapters/{name}/versions"): ALL,
    ("POST", "/v1/adapters/{name}/versions"): PUBLISHERS,
    ("GET", "/v1/adapters/{name}/versions/{selector}"): ALL,
    ("GET", f"{VERSION}/files/{{path}}"): FILES,
    ("GET", f"{VERSION}/signatures"): ALL,
    ("GET", f"{VERSION}/variants"): ALL,
    ("GET", f"{VERSION}/evidence"): ALL,
    ("POST", f"{VERSION}/evidence"): PUBLISHERS,
    ("POST", f"{VERSION}/state"): ONLY_ADMIN,
    ("POST", f"{VERSION}/revoke"): ONLY_ADMIN,
    ("DELETE", VERSION): ONLY_ADMIN,
    ("GET", "/v1/adapters/{name}/aliases"): ALL,
    ("PUT", ALIAS): PROMOTERS,
    ("POST", f"{ALIAS}/rollback"): PROMOTERS,
    ("GET", f"{ALIAS}/history"): ALL,
    ("GET", f"{ALIAS}/policy"): ALL,
    ("PUT", f"{ALIAS}/policy"): ONLY_ADMIN,
    ("GET", f"{ALIAS}/decisions"): ALL,
    ("GET", f"{ALIAS}/traffic"): ALL,
    ("PUT", f"{ALIAS}/traffic"): PROMOTERS,
    ("GET", f"{ALIAS}/approvals"): ALL,
    ("POST", f"{ALIAS}/approvals"): PROMOTERS,
    ("GET", "/v1/events"): ONLY_ADMIN,
    ("GET", "/v1/access-keys"): ONLY_ADMIN,
    ("POST", "/v1/access-keys"): ONLY_ADMIN,
    ("DELETE", "/v1/access-keys/{key_id}"): ONLY_ADMIN,
}
PLACES = {
    "name": "ghost",
    "number": "1",
    "selector": "1",
    "alias": "production",
    "path": "README.md",
    "key_id": "0123",
}
INFERENCE = ["/v1/chat/completions", "/v1/completions", "/v1/responses", "/tokenize"]


def keys_by_scope(registry: Registry) -> dict[str, dict[str, str]]:
    """Headers of a key for each scope, and for `admin`."""
    return {
        scope: {
            "authorization": f"Bearer {registry.access.add(scope, scopes=[scope], actor='t')[1]}"
        }
        for scope in (*sorted(ALL), "admin")
    }


def test_the_table_holds_every_route(registry: Registry, settings: ServeSettings) -> None:
    app: FastAPI = create_registry_app(registry, uploads=settings.uploads)

    def paths(routes: Any) -> set[tuple[str, str]]:
        found = set()
        for route in routes:
            if isinstance(route, APIRoute):
                found |= {(method, route.path) for method in route.methods}
        return found

    assert paths(app.routes) == ROUTES.keys()


async def test_a_route_opens_to_its_scopes_and_to_admin_only(
    http: httpx.AsyncClient, registry: Registry
) -> None:
    keys = keys_by_scope(registry)
    wrong = []
    for (method, template), allowed in ROUTES.items():
        for scope, key in keys.items():
            answer = await http.request(method, template.format_map(PLACES), headers=key)
            is_refused = answer.status_code == 403
            if is_refused == (scope in {*allowed, "admin"}):
                wrong.append((method, template, scope, answer.status_code, answer.text))
            if is_refused:
                assert answer.json()["error"]["code"] == "insufficient_scope"

    assert wrong == []


async def test_no_route_opens_without_a_key(http: httpx.AsyncClient) -> None:
    for method, template in ROUTES:
        for key in ("", "Bearer wrong", f"Bearer mdl_{'0' * 16}_{'a' * 43}"):
            headers = {"authorization": key}
            answer = await http.request(method, template.format_map(PLACES), headers=headers)

            assert answer.status_code == 401, (method, template)
            assert answer.headers["www-authenticate"] == "Bearer"


async def test_inference_needs_the_scope_infer(
    http: httpx.AsyncClient, registry: Registry, versions: list[Version]
) -> None:
    keys = keys_by_scope(registry)
    for path in INFERENCE:
        for scope, key in keys.items():
            answer = await http.post(path, json={"model": "ghost"}, headers=key)

            assert answer.status_code == (404 if scope in {"infer", "admin"} else 403)


async def test_infer_gets_the_files_of_versions_that_are_served_and_publish_of_others_too(
    http: httpx.AsyncClient, registry: Registry, versions: list[Version]
) -> None:
    keys = keys_by_scope(registry)
    place = "/v1/adapters/note/versions/2/files/adapter_config.json"
    before = await http.get(place, headers=keys["infer"])
    registry.lifecycle.quarantine("note", 2, actor="t", reason="odd answers")

    statuses = {scope: (await http.get(place, headers=keys[scope])).status_code for scope in FILES}

    assert before.status_code == 200
    assert statuses == {"infer": 409, "publish": 200}


async def test_what_a_key_changes_bears_its_name(
    http: httpx.AsyncClient, registry: Registry, versions: list[Version]
) -> None:
    key, secret = registry.access.add("ward 3", scopes=["promote:canary"], actor="t")
    headers = {"authorization": f"Bearer {secret}"}

    await http.put("/v1/adapters/note/aliases/canary", json={"number": 2}, headers=headers)

    (move,) = registry.history("note", alias="canary")
    assert move.actor == f"ward 3 ({key.key_id})"
