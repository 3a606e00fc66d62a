"""Keys that may use some adapters only."""

import httpx
import pytest
from medley_registry import AdmissionRefused, Registry, Version
from medley_server.callers import Caller
from medley_server.service import Service

from tests.builders import TINY

CHAT = "/v1/chat/completions"


def key(registry: Registry, *scopes: str) -> dict[str, str]:
    _, secret = registry.access.add("ward", scopes=scopes, actor="test")
    return {"authorization": f"Bearer {secret}"}


@pytest.mark.parametrize(
    ("scopes", "adapter", "may"),
    [
        ({"infer"}, "note", True),
        ({"admin"}, "note", True),
        ({"infer:note"}, "note", True),
        ({"infer:no*"}, "note", True),
        ({"infer:other", "infer:note"}, "note", True),
        ({"infer:not"}, "note", False),
        ({"publish", "infer:other"}, "note", False),
        ({"publish"}, "note", False),
    ],
)
def test_a_scope_may_name_adapters(scopes: set[str], adapter: str, may: bool) -> None:
    assert Caller("ward", frozenset(scopes)).may_use(adapter) is may


@pytest.mark.parametrize("scope", ["infer:", "infer:Note", "infer:[a-z]", "infer:a b"])
def test_a_scope_that_no_adapter_could_have_is_refused(registry: Registry, scope: str) -> None:
    with pytest.raises(AdmissionRefused):
        registry.access.add("ward", scopes=[scope], actor="test")


@pytest.mark.parametrize("model", ["note", "note@canary", "note:1", "note:99", "nobody-knows"])
async def test_another_adapter_is_refused_whether_it_is_there_or_not(
    http: httpx.AsyncClient, registry: Registry, versions: list[Version], model: str
) -> None:
    headers = key(registry, "infer:other-*")

    answer = await http.post(CHAT, json={"model": model}, headers=headers)

    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "adapter_forbidden"
    assert answer.json()["error"]["param"] == "model"


@pytest.mark.parametrize(("scope", "is_told"), [("infer", True), ("infer:notes", False)])
async def test_a_misspelt_reference_is_told_no_names_that_the_key_may_not_use(
    *,
    http: httpx.AsyncClient,
    registry: Registry,
    service: Service,
    versions: list[Version],
    scope: str,
    is_told: bool,
) -> None:
    async with service.running():
        answer = await http.post(CHAT, json={"model": "notes"}, headers=key(registry, scope))

    assert answer.status_code == 404
    assert ("Nearest: `note" in answer.json()["error"]["message"]) is is_told


async def test_models_that_a_key_may_not_use_are_not_listed(
    http: httpx.AsyncClient, registry: Registry, service: Service, versions: list[Version]
) -> None:
    listed = {}
    async with service.running():
        for scope in ("infer", "infer:note", "infer:other"):
            answer = await http.get("/v1/models", headers=key(registry, scope))
            listed[scope] = {card["id"] for card in answer.json()["data"]}

    assert listed["infer"] == listed["infer:note"]
    assert "note:1" in listed["infer"]
    assert listed["infer:other"] == {TINY}


async def test_files_are_given_to_keys_that_may_use_the_adapter(
    http: httpx.AsyncClient, registry: Registry, versions: list[Version]
) -> None:
    path = "/v1/adapters/note/versions/1/files/adapter_config.json"

    assert (await http.get(path, headers=key(registry, "infer:note"))).status_code == 200
    refused = await http.get(path, headers=key(registry, "infer:other"))
    assert refused.status_code == 403
    assert refused.json()["error"]["code"] == "adapter_forbidden"
