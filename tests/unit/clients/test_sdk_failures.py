"""What the SDK does when something is in the way; nothing here leaves the process."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import medley
import pytest
from medley import Client
from medley.testing import FakeServer
from medley_registry import AliasPolicy, VersionState

ALIAS = "/v1/adapters/note/aliases/production"
MOVED = {
    "adapter": "note",
    "name": "production",
    "number": 2,
    "digest": "sha256:" + "0" * 64,
    "generation": 2,
    "updated_at": "2026-11-21T08:46:53.000000Z",
}
Use = Callable[[Client], Any]


@pytest.fixture
def server() -> FakeServer:
    return FakeServer()


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long was waited before each retry; nobody waits here."""
    waited: list[float] = []
    monkeypatch.setattr("medley.client.time.sleep", waited.append)
    return waited


def client_of(server: FakeServer, **more: Any) -> Client:
    return Client("http://medley.test", api_key="k", transport=server.transport, **more)


def promote(client: Client) -> Any:
    return client.adapters.promote("note", 2, expected_generation=1)


def test_what_is_read_is_asked_for_again_after_a_lost_answer(
    server: FakeServer, waits: list[float]
) -> None:
    server.fail("GET", "/v1/adapters", httpx.ReadTimeout("slow"))
    server.answer("GET", "/v1/adapters", {"adapters": []})

    assert client_of(server).adapters.list() == ()
    assert len(waits) == 1


@pytest.mark.parametrize(
    ("use", "times"),
    [
        (promote, 3),
        (lambda client: client.adapters.promote("note", 2), 1),
        (lambda client: client.adapters.rollback("note"), 1),
        (lambda client: client.adapters.rollback("note", expected_generation=2), 3),
        (lambda client: client.adapters.revoke("note", 1, reason="r"), 1),
        (lambda client: client.adapters.delete("note", 1, reason="r"), 1),
        (lambda client: client.adapters.protect("note", AliasPolicy()), 1),
        (lambda client: client.adapters.approve("note", 1), 3),
        (lambda client: client.adapters.set_state("note", 1, VersionState.ADMITTED), 1),
    ],
)
def test_a_change_whose_answer_was_lost_is_sent_again_only_if_that_cannot_change_it_twice(
    waits: list[float], use: Use, times: int
) -> None:
    sent: list[httpx.Request] = []

    def lose(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        raise httpx.ReadError("reset")

    client = Client("http://medley.test", api_key="k", transport=httpx.MockTransport(lose))
    with pytest.raises(medley.Unreachable) as failed:
        use(client)

    assert failed.value.was_sent
    assert len(sent) == times


def test_a_change_that_never_left_is_sent_again_whatever_it_is(
    server: FakeServer, waits: list[float]
) -> None:
    server.fail("PUT", ALIAS, httpx.ConnectError("refused"))
    server.answer("PUT", ALIAS, MOVED)

    assert client_of(server).adapters.promote("note", 2).number == 2


def test_a_server_that_says_when_is_asked_then(server: FakeServer, waits: list[float]) -> None:
    error = {"error": {"message": "busy", "type": "x", "param": None, "code": "busy"}}
    server.answer("PUT", ALIAS, error, status=503, headers={"retry-after": "7"})
    server.answer("PUT", ALIAS, error, status=503, headers={"retry-after": "3600"})
    server.answer("PUT", ALIAS, MOVED)

    assert promote(client_of(server)).number == 2
    assert waits == [7.0, 30.0]


def test_waits_grow_and_an_end_is_made(server: FakeServer, waits: list[float]) -> None:
    server.answer("GET", "/v1/adapters", None, status=502)

    with pytest.raises(medley.ServerFailed) as failed:
        client_of(server, attempts=4).adapters.list()

    assert (failed.value.status, failed.value.code) == (502, "http_502")
    assert len(waits) == 3
    assert waits[0] < waits[1] < waits[2] or sum(waits) < 2


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "bad_request", medley.BadRequest),
        (401, "invalid_api_key", medley.Unauthenticated),
        (403, "insufficient_scope", medley.Forbidden),
        (404, "adapter_not_found", medley.NotFound),
        (409, "alias_in_use", medley.Conflict),
        (409, "stale_generation", medley.StaleGeneration),
        (409, "stale_revision", medley.StaleRevision),
        (409, "alias_protected", medley.AliasProtected),
        (410, "version_deleted", medley.NotFound),
        (413, "body_too_large", medley.TooLarge),
        (422, "admission_refused", medley.AdmissionRefused),
        (422, "base_mismatch", medley.Unacceptable),
        (418, "teapot", medley.Refusal),
        (500, "damaged", medley.ServerFailed),
    ],
)
def test_each_refusal_has_its_error_and_is_not_tried_again(
    server: FakeServer, waits: list[float], status: int, code: str, kind: type[medley.Refusal]
) -> None:
    server.refuse("PUT", ALIAS, status=status, code=code)

    with pytest.raises(medley.Refusal) as refused:
        promote(client_of(server))

    assert type(refused.value) is kind
    assert (refused.value.status, refused.value.code) == (status, code)
    assert waits == []


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"null", {}, {"adapters": [{"name": 1}]}])
def test_what_is_not_medleys_is_told_so(server: FakeServer, body: Any) -> None:
    server.answer("GET", "/v1/adapters", body)

    with pytest.raises(medley.UnexpectedAnswer):
        client_of(server).adapters.list()


def test_every_code_of_the_servers_table_has_an_error(server: FakeServer) -> None:
    from medley.refusals import refusal
    from medley_server.errors import REGISTRY_STATUS

    for kind, status in REGISTRY_STATUS.items():
        error = refusal(status, {"error": {"message": "m", "code": kind.code}})

        assert type(error) is not medley.Refusal
        assert error.code == kind.code


def test_a_file_that_came_in_wrong_is_not_left_behind(server: FakeServer, tmp_path: Path) -> None:
    from medley_registry import FileEntry, Lineage, Manifest
    from medley_registry.digest import Digest

    entry = FileEntry("adapter_config.json", 2, Digest.of(b"{}"), "application/json")
    place = "/v1/adapters/note/versions"
    version = {
        "adapter": "note",
        "number": 1,
        "digest": str(Manifest((entry,)).digest),
        "base": "b",
        "base_id": "sha256:" + "0" * 64,
        "rank": 1,
        "alpha": 1.0,
        "target_modules": [],
        "round": None,
        "state": "admitted",
        "note": "",
        "published_by": "t",
        "created_at": "2026-11-21T08:46:53.000000Z",
        "files": [
            {
                "path": entry.path,
                "size": 2,
                "sha256": entry.sha256.hex,
                "media_type": entry.media_type,
            }
        ],
        "lineage": Lineage().to_json(),
    }
    server.answer("GET", f"{place}/1", version)
    for wrong in (b"[]", b"{", b"{}}"):
        server.answer("GET", f"{place}/1/files/adapter_config.json", wrong)
        with pytest.raises(medley.ContentMismatch):
            client_of(server).adapters.download("note:1", tmp_path / "down")

    assert list(tmp_path.iterdir()) == []
    server.answer("GET", f"{place}/sha256:{'1' * 64}", version)
    with pytest.raises(medley.ContentMismatch, match="the server answers"):
        client_of(server).adapters.download(f"note@sha256:{'1' * 64}", tmp_path / "down")
    server.answer("GET", f"{place}/1", version | {"digest": "sha256:" + "2" * 64})
    with pytest.raises(medley.UnexpectedAnswer, match="its files are another"):
        client_of(server).adapters.version("note:1")


def test_the_fake_keeps_what_it_was_asked(server: FakeServer) -> None:
    server.answer("PUT", ALIAS, MOVED)
    client_of(server).adapters.promote("note", 2)

    (sent,) = server.requests
    assert (sent.method, sent.path) == ("PUT", ALIAS)
    assert sent.body == {"number": 2, "expected_generation": None}
    with pytest.raises(AssertionError, match="no answer is set"):
        client_of(server).adapters.list()
