"""Every route of the registry's face, with what the registry itself says of the same thing."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from medley_registry import Digest, EventKind, Registry, Version, VersionState
from medley_registry.timestamps import to_text

from tests.builders import TINY, make_adapter

NOTE = "/v1/adapters/note"
PRODUCTION = f"{NOTE}/aliases/production"
SUITE = Digest.of(b"suite")


async def test_adapters_are_listed_with_their_versions_and_aliases(
    http: httpx.AsyncClient, versions: list[Version]
) -> None:
    listed = (await http.get("/v1/adapters")).json()["adapters"]
    one = (await http.get(NOTE)).json()

    assert listed == [one]
    assert (one["name"], one["base"], one["versions"]) == ("note", TINY, 2)
    assert one["aliases"] == {"production": 1}
    assert one["base_id"] == str(versions[0].base_id)


async def test_versions_come_newest_first_in_pages(
    http: httpx.AsyncClient, registry: Registry, versions: list[Version], tmp_path: Path
) -> None:
    registry.publish(make_adapter(tmp_path / "n3", fill=3), name="note", base=TINY, actor="t")

    first = (await http.get(f"{NOTE}/versions", params={"limit": 2})).json()
    rest = (await http.get(f"{NOTE}/versions", params={"before": first["before"]})).json()

    assert [one["number"] for one in first["versions"]] == [3, 2]
    assert [one["number"] for one in rest["versions"]] == [1]
    assert (first["before"], rest["before"]) == (2, None)
    assert rest["versions"][0]["aliases"] == ["production"]


@pytest.mark.parametrize("selector", ["1", "production", "sha256:{hex}"])
async def test_a_version_is_found_by_all_that_a_reference_may_name_it_by(
    http: httpx.AsyncClient, versions: list[Version], selector: str
) -> None:
    version = versions[0]

    found = (await http.get(f"{NOTE}/versions/{selector.format(hex=version.digest.hex)}")).json()

    assert found["reference"] == "note:1"
    assert found["digest"] == str(version.digest)
    assert found["lineage"] == version.lineage.to_json()
    assert found["created_at"] == to_text(version.created_at)
    assert found["files"] == [
        {
            "path": entry.path,
            "size": entry.size,
            "sha256": entry.sha256.hex,
            "media_type": entry.media_type,
        }
        for entry in version.manifest.files
    ]


async def test_files_come_as_they_were_published_and_not_twice(
    http: httpx.AsyncClient, versions: list[Version], tmp_path: Path
) -> None:
    for entry in versions[0].manifest.files:
        place = f"{NOTE}/versions/1/files/{entry.path}"
        answer = await http.get(place)
        again = await http.get(place, headers={"if-none-match": answer.headers["etag"]})

        assert answer.content == (tmp_path / "note1" / entry.path).read_bytes()
        assert answer.headers["etag"] == f'"{entry.sha256}"'
        assert answer.headers["content-type"].startswith(entry.media_type)
        assert (again.status_code, again.content) == (304, b"")


async def test_a_file_damaged_in_the_store_never_arrives_whole(
    http: httpx.AsyncClient, registry: Registry, versions: list[Version], tmp_path: Path
) -> None:
    entry = versions[0].manifest.files[-1]
    (blob,) = (tmp_path / "registry" / "blobs").rglob(f"*{entry.sha256.hex[4:]}")
    blob.chmod(0o644)
    blob.write_bytes(bytes([blob.read_bytes()[0] ^ 1]) + blob.read_bytes()[1:])

    with pytest.raises(RuntimeError, match="response already started"):
        await http.get(f"{NOTE}/versions/1/files/{entry.path}")


async def test_a_version_passes_through_its_states(
    http: httpx.AsyncClient, registry: Registry, tmp_path: Path
) -> None:
    registry.publish(
        make_adapter(tmp_path / "d"), name="d", base=TINY, actor="t", state=VersionState.DRAFT
    )

    for state in ("validated", "admitted", "deprecated", "quarantined"):
        body = {"state": state, "reason": "as planned"}
        answer = await http.post("/v1/adapters/d/versions/1/state", json=body)

        assert (answer.status_code, answer.json()["state"]) == (200, state)
    assert registry.events(after=registry.head() - 1)[0].actor == "configured key 1"


async def test_revoking_moves_the_aliases_back(
    http: httpx.AsyncClient, registry: Registry, versions: list[Version]
) -> None:
    registry.promote("note", 2, actor="t")

    answer = await http.post(f"{NOTE}/versions/2/revoke", json={"reason": "leaks names"})

    (moved,) = answer.json()["moved"]
    assert (moved["name"], moved["number"], moved["generation"]) == ("production", 1, 3)
    assert answer.json()["digest"] == str(versions[1].digest)
    assert registry.versions("note")[1].state is VersionState.REVOKED


async def test_a_deleted_version_is_gone_and_says_why(
    http: httpx.AsyncClient, versions: list[Version]
) -> None:
    tombstone = await http.request("DELETE", f"{NOTE}/versions/2", json={"reason": "a duplicate"})
    gone = await http.get(f"{NOTE}/versions/2")

    assert (tombstone.json()["number"], tombstone.json()["reason"]) == (2, "a duplicate")
    assert gone.status_code == 410
    assert gone.json()["error"]["code"] == "version_deleted"
    assert "a duplicate" in gone.json()["error"]["message"]


async def test_evidence_is_added_to_a_variant_and_listed(
    http: httpx.AsyncClient, registry: Registry, versions: list[Version]
) -> None:
    body = {
        "kind": "evaluation",
        "suite": "triage-42",
        "suite_digest": str(SUITE),
        "environment": {"device": "cpu", "packages": ["vllm 0.32.0"]},
        "metrics": {"f1": 0.81},
    }

    added = await http.post(f"{NOTE}/versions/1/evidence", json=body)
    listed = (await http.get(f"{NOTE}/versions/1/evidence")).json()["evidence"]

    assert added.status_code == 201
    assert listed == [added.json()]
    assert listed[0]["digest"] == str(registry.evidence.of("note", 1)[0].digest)


async def test_variants_and_signatures_are_listed(
    http: httpx.AsyncClient, versions: list[Version]
) -> None:
    variants = (await http.get(f"{NOTE}/versions/1/variants")).json()["variants"]
    signatures = (await http.get(f"{NOTE}/versions/1/signatures")).json()["signatures"]

    assert [variant["kind"] for variant in variants] == ["bf16"]
    assert signatures == []


async def test_aliases_are_promoted_and_rolled_back(
    http: httpx.AsyncClient, registry: Registry, versions: list[Version]
) -> None:
    there = await http.put(PRODUCTION, json={"number": 2, "expected_generation": 1})
    listed = (await http.get(f"{NOTE}/aliases")).json()["aliases"]
    back = await http.post(f"{PRODUCTION}/rollback", json={"expected_generation": 2})

    assert (there.json()["number"], there.json()["generation"]) == (2, 2)
    assert listed == [there.json()]
    assert (back.json()["number"], back.json()["generation"]) == (1, 3)
    assert [move.actor for move in registry.history("note")][1:] == ["configured key 1"] * 2


async def test_history_answers_what_was_in_production_at_a_time(
    http: httpx.AsyncClient, registry: Registry, versions: list[Version]
) -> None:
    registry.promote("note", 2, actor="b")
    first, _ = registry.history("note", alias="production")

    every = (await http.get(f"{PRODUCTION}/history")).json()["moves"]
    then = (await http.get(f"{PRODUCTION}/history", params={"at": to_text(first.at)})).json()
    before = (first.at - timedelta(seconds=1)).isoformat()
    nothing = (await http.get(f"{PRODUCTION}/history", params={"at": before})).json()

    assert [(move["to_number"], move["actor"]) for move in every] == [(1, "test"), (2, "b")]
    assert [move["to_number"] for move in then["moves"]] == [1]
    assert nothing["moves"] == []


async def test_a_policy_is_set_and_holds_promotions_up(
    http: httpx.AsyncClient, registry: Registry, versions: list[Version]
) -> None:
    requirement = {"kind": "evaluation", "suite": "s", "metric": "f1", "at_least": 0.8}
    body = {"requirements": [requirement], "approvals": 1}

    done = await http.put(f"{PRODUCTION}/policy", json=body)
    policy = (await http.get(f"{PRODUCTION}/policy")).json()
    refused = await http.put(PRODUCTION, json={"number": 2})

    assert done.json()["revision"] == 1
    assert done.json()["policy"] == policy
    assert policy["requirements"][0]["at_least"] == 0.8
    assert refused.status_code == 409
    assert refused.json()["error"]["code"] == "alias_protected"
    assert len(refused.json()["error"]["details"]["unmet"]) == 2


async def test_approvals_are_given_and_listed(
    http: httpx.AsyncClient, versions: list[Version]
) -> None:
    given = await http.post(f"{PRODUCTION}/approvals", json={"number": 2})
    listed = (await http.get(f"{PRODUCTION}/approvals")).json()["approvals"]

    assert given.status_code == 201
    assert listed == [given.json()]
    assert (listed[0]["number"], listed[0]["generation"]) == (2, 1)


async def test_who_approved_under_an_earlier_policy_can_approve_again(
    http: httpx.AsyncClient, versions: list[Version]
) -> None:
    for approvals in (1, 2):
        await http.put(f"{PRODUCTION}/policy", json={"approvals": approvals})
        given = await http.post(f"{PRODUCTION}/approvals", json={"number": 2})

        assert given.status_code == 201


async def test_events_come_oldest_first_in_pages(
    http: httpx.AsyncClient, registry: Registry, versions: list[Version]
) -> None:
    page = (await http.get("/v1/events", params={"after": 1, "limit": 2})).json()

    assert [event["seq"] for event in page["events"]] == [2, 3]
    assert page["head"] == registry.head()
    assert page["events"][0]["kind"] == EventKind.VERSION_PUBLISHED


async def test_an_access_key_is_made_used_and_revoked(
    http: httpx.AsyncClient, registry: Registry
) -> None:
    until = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    body = {"name": "ward 3", "scopes": ["infer"], "expires_at": until}

    made = await http.post("/v1/access-keys", json=body)
    secret = made.json().pop("secret")
    listed = (await http.get("/v1/access-keys")).json()["access_keys"]
    gone = await http.delete(f"/v1/access-keys/{made.json()['key_id']}")

    assert made.status_code == 201
    assert made.headers["cache-control"] == "no-store"
    assert secret.startswith("mdl_")
    assert [key["name"] for key in listed] == ["ward 3"]
    assert "secret" not in str(listed)
    assert gone.json()["revoked_at"] is not None


async def test_the_routes_describe_themselves(http: httpx.AsyncClient) -> None:
    document: dict[str, Any] = (await http.get("/v1/openapi.json")).json()

    assert "/v1/adapters/{name}/versions/{number}/files/{path}" in document["paths"]
    publish = document["paths"]["/v1/adapters/{name}/versions"]["post"]
    assert "multipart/form-data" in publish["requestBody"]["content"]
