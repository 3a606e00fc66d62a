"""Every row of the table of errors in docs/http.md, as callers see it."""

import logging
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from medley_registry import Registry, open_registry
from medley_server.engine.fake import FakeEngine
from medley_server.errors import AdapterUnavailable, ModelNotFound, ServerError
from medley_server.extraction import errors
from medley_server.served_base import ServedBase
from medley_server.service import Service
from medley_server.settings import ServeSettings

from tests.builders import TINY
from tests.unit.server.documents.conftest import PAGES, Front, Line, Open, eventually, finished
from tests.unit.server.documents.extractor import LineExtractor

DOCS = Path(__file__).parents[4] / "docs" / "http.md"

FROM_EXTRACTION: list[tuple[ServerError, int, bool]] = [
    (errors.InvalidPages("There is no page 9.", details={"pages": 2}), 400, False),
    (errors.AdapterForbidden("This key may not."), 403, False),
    (errors.AdapterNotFound("There is no `x`."), 404, False),
    (errors.TooManyPages("300 pages.", details={"limit": 200, "actual": 300}), 413, False),
    (errors.TooManyPixels("9 x 9.", page=2, details={"limit": 1, "actual": 81}), 413, False),
    (errors.TooMuchText("Words.", page=2, details={"limit": 1, "actual": 2}), 413, False),
    (errors.DocumentTooLong("Too long.", details={"limit": 1, "actual": 2}), 413, False),
    (errors.UnsupportedMediaType("It is a ZIP."), 415, False),
    (errors.EncryptedDocument("It needs a password."), 422, False),
    (errors.CorruptDocument("It is cut off.", page=3), 422, False),
    (errors.BlankDocument("There is no ink."), 422, False),
    (errors.ImageTooSmall("8 x 8.", page=1), 422, False),
    (errors.SchemaUnsupported("`not`.", details={"keyword": "not", "pointer": "/a"}), 422, False),
    (errors.NotAMedicalDocument("It is a recipe."), 422, False),
    (errors.EngineError("It failed."), 502, True),
    (errors.OutputTruncated("Cut."), 502, True),
    (errors.OutputInvalid("None."), 502, True),
    (errors.EngineUnavailable("It is dead."), 503, True),
    (errors.DeadlineExceeded("Too slow."), 504, True),
    (AdapterUnavailable("It cannot be loaded."), 503, True),
]
FROM_THE_FRONT = {
    *("invalid_request", "unauthenticated", "insufficient_scope", "job_not_found"),
    *("upload_too_slow", "idempotency_conflict", "job_cancelled", "result_expired"),
    *("file_too_large", "queue_full", "storage_unavailable", "busy", "unavailable"),
    "route_not_found",
}
KEYS = {"message", "type", "param", "code", "page", "retryable", "request_id"}


@pytest.mark.parametrize(
    ("failure", "status", "is_retryable"),
    FROM_EXTRACTION,
    ids=[str(failure.code) for failure, _, _ in FROM_EXTRACTION],
)
@pytest.mark.parametrize("path", ["/v1/extract", "/v1/analyze"])
async def test_an_error_of_extraction_is_told_in_one_form(
    front: Front,
    extractor: LineExtractor,
    failure: ServerError,
    status: int,
    path: str,
    *,
    is_retryable: bool,
) -> None:
    extractor.failure = failure
    data = {"prompt": "Why?"} if path.endswith("analyze") else {}

    answer = await front.http.post(path, files={"file": ("a", PAGES)}, data=data)

    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (status, failure.code)
    assert error.keys() - {"details"} == KEYS
    assert error["message"] == str(failure)
    assert error["page"] == getattr(failure, "page", None)
    assert error.get("details", {}) == getattr(failure, "details", {})
    assert error["retryable"] is is_retryable
    assert error["request_id"] == answer.headers["x-request-id"]
    assert answer.headers.get("retry-after") == failure.headers().get("retry-after")
    await eventually(lambda: front.files() == set())


async def test_an_unknown_model_is_an_unknown_adapter_here(
    front: Front, extractor: LineExtractor
) -> None:
    extractor.failure = ModelNotFound("nota", nearest=("note",))

    answer = await front.extract(adapter="nota")

    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (404, "adapter_not_found")
    assert error["param"] == "adapter"
    assert error["details"] == {"nearest": ["note"]}


@pytest.mark.parametrize("mode", ["sync", "auto", "async"])
async def test_what_nobody_foresaw_is_logged_with_its_place_and_without_its_text(
    front: Front, extractor: LineExtractor, caplog: pytest.LogCaptureFixture, mode: str
) -> None:
    extractor.failure = RuntimeError("Jane Doe, born 1961, has /srv/secret")
    headers = {"x-request-id": "ward-3:77"}

    with caplog.at_level(logging.DEBUG):
        answer = await front.extract(mode=mode, headers=headers)
        if mode == "async":
            error = (await finished(front, answer.json()["id"])).error
        else:
            error = answer.json()["error"]
            assert answer.status_code == 500

    assert error is not None
    assert (error["code"], error["request_id"]) == ("engine_error", "ward-3:77")
    ours = "\n".join(
        record.getMessage() for record in caplog.records if record.name.startswith("medley")
    )
    assert "Jane" not in str(error) + caplog.text
    assert "/srv" not in str(error) + caplog.text
    assert "ward-3:77: RuntimeError at " in ours
    assert "extractor.py" in ours


async def test_what_nobody_foresaw_in_a_route_is_told_in_the_same_way(
    front: Front, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: Any) -> None:
        raise KeyError("Jane Doe")

    monkeypatch.setattr(front.desk, "job", fail)
    answer = await front.http.get("/v1/jobs/job_1")

    assert answer.status_code == 500
    assert answer.json()["error"]["request_id"] == answer.headers["x-request-id"]
    assert "Jane" not in answer.text + caplog.text


@pytest.mark.parametrize(
    ("given", "is_kept"),
    [
        ("abc-1.2:3_4", True),
        ("x" * 128, True),
        ("x" * 129, False),
        ("", False),
        ("a b", False),
        ("-a", False),
        ('a"b', False),
        ("a\x7fb", False),
    ],
)
async def test_a_callers_own_request_id_is_kept_if_it_is_sane(
    front: Front, given: str, *, is_kept: bool
) -> None:
    for answer in (
        await front.extract(headers={"x-request-id": given}),
        await front.http.get("/v1/jobs", headers={"x-request-id": given}),
        await front.http.get("/v1/jobs/ghost", headers={"x-request-id": given}),
        await front.http.get("/extract", headers={"x-request-id": given}),
        await front.http.get("/v1/jobs", headers={"x-request-id": given, "authorization": ""}),
        await front.http.options("/extract", headers={"x-request-id": given}),
    ):
        told = answer.headers["x-request-id"]
        assert told == given if is_kept else re.fullmatch("req_[0-9a-f]{24}", told)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/extract"),
        ("PUT", "/v1/analyze"),
        ("POST", "/v1/jobs"),
        ("PATCH", "/v1/jobs/job_1"),
        ("HEAD", "/v1/jobs/job_1"),
    ],
)
async def test_another_method_is_no_route(front: Front, method: str, path: str) -> None:
    answer = await front.http.request(method, path)

    assert answer.status_code == 404
    if method != "HEAD":
        assert answer.json()["error"]["code"] == "route_not_found"


@pytest.mark.parametrize("path", ["/jobs", "/v1/extract/x", "/v1/jobs/a/b", "/v2/extract"])
async def test_what_is_beside_the_routes_is_unknown(front: Front, path: str) -> None:
    assert (await front.http.post(path)).status_code == 404


async def test_keys_are_asked_for_in_the_words_of_these_routes(
    front: Front, registry: Registry
) -> None:
    _, secret = registry.access.add("press", scopes=["publish"], actor="t")
    routes = [
        *(("POST", path) for path in ("/extract", "/v1/extract", "/analyze", "/v1/analyze")),
        *(("GET", "/v1/jobs"), ("GET", "/v1/jobs/job_1"), ("DELETE", "/v1/jobs/job_1")),
    ]
    for method, path in routes:
        none = await front.http.request(method, path, headers={"authorization": ""})
        wrong = await front.http.request(
            method, path, headers={"authorization": f"Bearer {secret}"}
        )

        assert (none.status_code, none.json()["error"]["code"]) == (401, "unauthenticated")
        assert none.headers["www-authenticate"] == "Bearer"
        assert (wrong.status_code, wrong.json()["error"]["code"]) == (403, "insufficient_scope")


async def test_a_body_is_not_taken_from_somebody_without_a_key(front: Front) -> None:
    line = Line(front.gateway, authorization="Bearer wrong")

    await line.post("/v1/extract", {}, body=b"")

    assert line.messages[0]["status"] == 401


async def test_without_keys_this_machine_may_and_a_page_of_another_site_sees_no_jobs(
    open_front: Open, bare: Path, tmp_path: Path, settings: ServeSettings
) -> None:
    shutil.copytree(bare / "registry", tmp_path / "keyless")
    with open_registry(tmp_path / "keyless") as registry:
        base = ServedBase.as_it_is(registry.base(TINY))
        service = Service(registry, base, FakeEngine(), settings)
        async with open_front(service=service, api_keys=()) as front:
            front.http.headers.pop("authorization")
            assert (await front.extract(mode="async")).status_code == 202
            mine = (await front.http.get("/v1/jobs")).json()["jobs"]
            page = {"origin": "http://evil.example"}
            theirs = (await front.http.get("/v1/jobs", headers=page)).json()["jobs"]

    assert (len(mine), len(theirs)) == (1, 0)


def test_every_code_is_in_the_table_of_the_manual_and_every_row_is_tested() -> None:
    text = DOCS.read_text()
    table = text[text.index("## Errors of documents") :].partition("\n## ")[0]
    rows = [line.split(" | ")[1] for line in table.splitlines() if line.startswith("| ")]
    told = set(re.findall(r"`([a-z_]+)`", "".join(rows)))
    tested = FROM_THE_FRONT | {str(failure.code) for failure, _, _ in FROM_EXTRACTION}

    def codes(kind: type[ServerError]) -> set[str]:
        return {str(kind.code)}.union(*(codes(inner) for inner in kind.__subclasses__()))

    assert codes(errors.ExtractionError) - {"None"} <= told
    assert told == tested
