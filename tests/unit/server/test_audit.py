"""Every act over HTTP that changes the registry is in its log, with the name of who did it."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute
from medley_registry import Registry, Version
from medley_server.gateway import Gateway
from medley_server.registry_app import create_registry_app
from medley_server.settings import ServeSettings

from tests.builders import TINY, make_adapter

NOTE = "/v1/adapters/note"
PRODUCTION = f"{NOTE}/aliases/production"
V = "/v1/adapters/{name}/versions"
A = "/v1/adapters/{name}/aliases/{alias}"
DIGEST = "sha256:" + "a" * 64
EVIDENCE = {
    "kind": "evaluation",
    "suite": "triage",
    "suite_digest": DIGEST,
    "environment": {},
    "metrics": {"accuracy": 0.9},
}

ACTS: dict[tuple[str, str], tuple[str, Any]] = {
    ("POST", V): ("/v1/adapters/fresh/versions", None),
    ("POST", f"{V}/{{number}}/evidence"): (f"{NOTE}/versions/2/evidence", EVIDENCE),
    ("POST", f"{V}/{{number}}/state"): (
        f"{NOTE}/versions/2/state",
        {"state": "quarantined", "reason": "odd"},
    ),
    ("POST", f"{V}/{{number}}/revoke"): (f"{NOTE}/versions/2/revoke", {"reason": "leaks"}),
    ("DELETE", f"{V}/{{number}}"): (f"{NOTE}/versions/2", {"reason": "old"}),
    ("PUT", A): (PRODUCTION, {"number": 2}),
    ("POST", f"{A}/rollback"): (f"{PRODUCTION}/rollback", {}),
    ("PUT", f"{A}/policy"): (f"{PRODUCTION}/policy", {"approvals": 1}),
    ("PUT", f"{A}/traffic"): (f"{PRODUCTION}/traffic", {"canary": 2, "weight": 0.1}),
    ("POST", f"{A}/approvals"): (f"{PRODUCTION}/approvals", {"number": 2}),
    ("POST", "/v1/access-keys"): ("/v1/access-keys", {"name": "ward", "scopes": ["infer"]}),
    ("DELETE", "/v1/access-keys/{key_id}"): ("/v1/access-keys/{other}", None),
}


def changing(registry: Registry, settings: ServeSettings) -> Iterator[tuple[str, str]]:
    app = create_registry_app(registry, uploads=settings.uploads)
    for route in app.routes:
        if isinstance(route, APIRoute):
            yield from ((method, route.path) for method in route.methods - {"GET", "HEAD"})


def test_every_route_that_changes_something_is_tried(
    registry: Registry, settings: ServeSettings
) -> None:
    assert set(changing(registry, settings)) == ACTS.keys()


@pytest.mark.parametrize("act", ACTS, ids=" ".join)
async def test_every_act_leaves_an_event_with_the_callers_name(
    act: tuple[str, str],
    gateway: Gateway,
    registry: Registry,
    versions: list[Version],
    tmp_path: Any,
) -> None:
    key, secret = registry.access.add("ward 3", scopes=("admin",), actor="t")
    other, _ = registry.access.add("other", scopes=("infer",), actor="t")
    registry.promote("note", 2, actor="t")
    registry.promote("note", 1, actor="t")
    path, body = ACTS[act]
    sent: dict[str, Any] = {"json": body} if body is not None else {}
    if act == ("POST", V):
        folder = make_adapter(tmp_path / "fresh", fill=7)
        parts = {"config": "adapter_config.json", "weights": "adapter_model.safetensors"}
        files = {part: ("x", (folder / name).read_bytes()) for part, name in parts.items()}
        sent = {"data": {"base": TINY}, "files": files}
    before = registry.head()

    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=gateway),
        base_url="http://127.0.0.1:8000",
        headers={"authorization": f"Bearer {secret}"},
    ) as http:
        answer = await http.request(act[0], path.format(other=other.key_id), **sent)

    assert answer.status_code < 300, answer.text
    events = registry.events(after=before)
    assert events
    assert {event.actor for event in events} == {f"ward 3 ({key.key_id})"}
