from typing import Any

import httpx
import pytest
from medley_registry import Registry, Version

TRAFFIC = "/v1/adapters/note/aliases/production/traffic"


async def test_a_rule_is_set_and_read(http: httpx.AsyncClient, versions: list[Version]) -> None:
    nothing = (await http.get(TRAFFIC)).json()
    body = {"canary": 2, "weight": 10, "bounds": {"max_error_rate": 0.02}}

    done = await http.put(TRAFFIC, json=body | {"expected_revision": 0})
    now = (await http.get(TRAFFIC)).json()

    assert (nothing["revision"], nothing["canary"], nothing["at"]) == (0, None, None)
    assert done.status_code == 200
    assert done.json() == now
    assert (now["revision"], now["canary"], now["weight"], now["stick"]) == (1, 2, 10, "user")
    assert (now["bounds"]["max_error_rate"], now["bounds"]["window_s"]) == (0.02, 300)
    assert now["actor"] == "configured key 1"


async def test_a_rule_that_somebody_else_has_set_is_told_with_its_revision(
    http: httpx.AsyncClient, registry: Registry, versions: list[Version]
) -> None:
    await http.put(TRAFFIC, json={"canary": 2, "weight": 10})
    registry.traffic.halt("note", "production", 2, reason="it fails", actor="server a")

    late = await http.put(TRAFFIC, json={"canary": 2, "weight": 20, "expected_revision": 1})

    assert late.status_code == 409
    assert late.json()["error"]["code"] == "stale_revision"
    assert late.json()["error"]["details"] == {"revision": 2}
    assert (await http.get(TRAFFIC)).json()["halted"] == "it fails"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"canary": 1}, 422, "admission_refused"),
        ({"weight": 5}, 422, "admission_refused"),
        ({"canary": 9, "weight": 5}, 404, "version_not_found"),
        ({"canary": 2, "heft": 5}, 400, "bad_request"),
        ({"canary": 2, "bounds": {"min_requests": 0}}, 400, "bad_request"),
        ({"canary": 2, "bounds": {"watch_s": 5}}, 422, "admission_refused"),
    ],
)
async def test_what_cannot_be_is_refused(
    http: httpx.AsyncClient, versions: list[Version], body: dict[str, Any], status: int, code: str
) -> None:
    refused = await http.put(TRAFFIC, json=body)

    assert (refused.status_code, refused.json()["error"]["code"]) == (status, code)
    assert (await http.get(TRAFFIC)).json()["revision"] == 0
