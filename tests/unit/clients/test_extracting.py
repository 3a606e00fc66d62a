"""`extract`, `analyze` and `jobs` of both clients."""

import io
import json
import os
import threading
from pathlib import Path
from typing import Any

import httpx
import medley
import pytest
from medley import Client
from medley.testing import FakeServer, SampleExtraction
from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.unit.clients.faces import Use, both, of
from tests.unit.clients.loopback import listening

EXTRACT = "/v1/extract"
SAMPLE = SampleExtraction.of_a_lab_panel().build()


class Invoice(BaseModel):
    number: str
    total: float


@pytest.fixture
def server() -> FakeServer:
    return FakeServer()


@both
def test_what_comes_out_is_what_the_server_says(server: FakeServer, use: Use) -> None:
    server.extracts(SAMPLE)

    extraction = use("extract", b"%PDF-", client=of(server))

    assert extraction == SAMPLE
    assert extraction.record.labs[1].value.value == "5.9"


@both
def test_every_option_is_sent_as_the_form_has_it(server: FakeServer, use: Use) -> None:
    server.extracts()

    use(
        "extract",
        b"x",
        client=of(server),
        schema={"type": "object"},
        document_type="lab_panel",
        adapter="documents:3",
        pages="1-3,5",
        outputs=["text", "record"],
        grounding="required",
        confidence_min=0.8,
        normalise=False,
        deidentify=True,
        mode="sync",
        callback_url="https://ward.test/done",
        timeout_s=30,
        idempotency_key="once",
    )

    (sent,) = server.requests
    assert sent.files == {"file": b"x"}
    assert sent.headers["idempotency-key"] == "once"
    assert json.loads(sent.fields["schema"]) == {"type": "object"}
    assert {name: text for name, text in sent.fields.items() if name != "schema"} == {
        "document_type": "lab_panel",
        "adapter": "documents:3",
        "pages": "1-3,5",
        "outputs": "record,text",
        "grounding": "required",
        "confidence_min": "0.8",
        "normalise": "false",
        "deidentify": "true",
        "mode": "sync",
        "callback_url": "https://ward.test/done",
        "timeout_s": "30.0",
    }


def test_what_is_not_said_is_left_to_the_server(server: FakeServer) -> None:
    server.extracts()

    Client(**of(server)).extract(b"x")

    assert server.requests[0].fields == {}


@both
def test_an_option_that_cannot_be_is_refused_before_anything_is_sent(
    server: FakeServer, use: Use
) -> None:
    with pytest.raises(medley.InvalidArgument, match="grounding"):
        use("extract", b"x", client=of(server), grounding="always")
    with pytest.raises(medley.InvalidArgument, match="colour"):
        use("extract", b"x", client=of(server), colour="red")
    with pytest.raises(medley.InvalidArgument, match="waited for"):
        use("extract", b"x", client=of(server), wait=False, mode="sync")

    assert server.requests == []


@both
def test_a_document_is_a_path_bytes_or_an_open_file(
    server: FakeServer, use: Use, tmp_path: Path
) -> None:
    path = tmp_path / "Jane Doe.pdf"
    path.write_bytes(b"%PDF-1")
    server.extracts()
    reading, writing = os.pipe()
    os.write(writing, b"%PDF-1")
    os.close(writing)

    with path.open("rb") as file, os.fdopen(reading, "rb") as pipe:
        file.read(3)
        for source in (path, str(path), b"%PDF-1", io.BytesIO(b"%PDF-1"), file, pipe):
            use("extract", source, client=of(server))
        assert not file.closed

    assert [sent.files for sent in server.requests] == [{"file": b"%PDF-1"}] * 6
    assert all(b"Jane" not in sent.body for sent in server.requests)  # names are people's names


@both
def test_what_is_no_document_is_refused(server: FakeServer, use: Use, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        use("extract", tmp_path / "none.pdf", client=of(server))
    for source in (io.StringIO("text"), 3, None):
        with pytest.raises(medley.InvalidArgument, match="a document is"):
            use("extract", source, client=of(server))


@both
def test_a_lost_answer_is_asked_for_again_under_the_same_key(
    server: FakeServer, use: Use, waits: list[float]
) -> None:
    server.fail("POST", EXTRACT, httpx.ReadTimeout("slow"))
    server.refuse("POST", EXTRACT, status=503, code="engine_unavailable", retry_after_s=7)
    server.extracts(SAMPLE)

    assert use("extract", io.BytesIO(b"all of it"), client=of(server)) == SAMPLE

    keys = {sent.headers["idempotency-key"] for sent in server.requests}
    assert len(keys) == 1
    assert [sent.files["file"] for sent in server.requests] == [b"all of it"] * 3
    assert waits[1] == 7.0


@both
def test_two_extractions_have_two_keys(server: FakeServer, use: Use) -> None:
    server.extracts()
    for _ in range(2):
        use("extract", b"x", client=of(server))

    assert len({sent.headers["idempotency-key"] for sent in server.requests}) == 2


@both
@pytest.mark.parametrize("code", ["output_truncated", "output_invalid", "deadline_exceeded"])
def test_what_would_come_to_the_same_again_is_not_tried_again(
    server: FakeServer, use: Use, waits: list[float], code: str
) -> None:
    server.refuse("POST", EXTRACT, status=502, code=code)

    with pytest.raises(medley.ServerFailed):
        use("extract", b"x", client=of(server))

    assert len(server.requests) == 1


@both
def test_a_job_is_asked_about_as_often_as_the_server_wants(
    server: FakeServer, use: Use, waits: list[float]
) -> None:
    server.extracts(SAMPLE, after=2)
    heard: list[str] = []

    extraction = use(
        "extract", b"x", client=of(server), progress=lambda job: heard.append(job.status.value)
    )

    assert extraction == SAMPLE
    assert heard == ["queued", "running", "running", "done"]
    assert waits == [0.05, 0.05, 0.05]  # the fake says 0, and is not asked without end


@both
def test_a_job_that_says_nothing_is_asked_about_less_and_less(
    server: FakeServer, use: Use, waits: list[float]
) -> None:
    job = json.loads(_job("running").model_dump_json())
    server.answer("POST", EXTRACT, job, status=202)
    for _ in range(12):
        server.answer("GET", "/v1/jobs/job-1", job)
    result = SAMPLE.model_dump(mode="json")
    server.answer("GET", "/v1/jobs/job-1", job | {"status": "done", "result": result})

    assert use("extract", b"x", client=of(server)) == SAMPLE

    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (0.5, 5.0)


@both
def test_without_waiting_the_job_comes_back_at_once(server: FakeServer, use: Use) -> None:
    server.extracts(SAMPLE, after=1)

    job = use("extract", b"x", client=of(server), wait=False)
    result = use("jobs.wait", job.id, client=of(server))

    assert (job.id, job.status.value) == ("job-1", "queued")
    assert server.requests[0].fields["mode"] == "async"
    assert result == SAMPLE


@both
def test_a_job_that_takes_longer_than_one_waits_is_handed_back(
    server: FakeServer, use: Use, waits: list[float]
) -> None:
    job = json.loads(_job("running").model_dump_json())
    server.answer("POST", EXTRACT, job, status=202)
    server.answer("GET", "/v1/jobs/job-1", job)

    with pytest.raises(medley.StillRunning) as running:
        use("extract", b"x", client=of(server), timeout_s=1e-9)
    with pytest.raises(medley.StillRunning):
        use("jobs.wait", "job-1", client=of(server), timeout_s=0)

    assert running.value.job.id == "job-1"
    assert running.value.retryable


@both
@pytest.mark.parametrize("wrapped", [False, True])
def test_a_job_that_failed_raises_what_a_call_would_have(
    server: FakeServer, use: Use, *, wrapped: bool
) -> None:
    error = {"message": "locked", "code": "encrypted_document", "page": 2, "request_id": "r-1"}
    job = json.loads(_job("failed").model_dump_json())
    server.answer("GET", "/v1/jobs/a%2Fb", job | {"error": {"error": error} if wrapped else error})
    server.answer("GET", "/v1/jobs/a/b", job | {"error": {"error": error} if wrapped else error})

    with pytest.raises(medley.EncryptedDocument, match="locked") as failed:
        use("jobs.wait", "a/b", client=of(server))

    assert (failed.value.status, failed.value.page, failed.value.request_id) == (422, 2, "r-1")


@both
def test_jobs_are_seen_listed_and_cancelled(server: FakeServer, use: Use) -> None:
    job = json.loads(_job("cancelled").model_dump_json())
    server.answer("GET", "/v1/jobs/job-1", job)
    server.answer("DELETE", "/v1/jobs/job-1", job)
    server.answer("GET", "/v1/jobs", {"jobs": [job | {"id": "job-2"}], "before": "job-2"})
    server.answer("GET", "/v1/jobs", {"jobs": [job], "before": None})

    assert use("jobs.cancel", "job-1", client=of(server)).status.is_final
    assert use("jobs.get", "job-1", client=of(server)).id == "job-1"
    assert [one.id for one in use("jobs.list", client=of(server))] == ["job-2", "job-1"]
    assert server.requests[-1].query == {"before": "job-2"}
    with pytest.raises(medley.JobCancelled):
        use("jobs.wait", "job-1", client=of(server))


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "invalid_request", medley.BadRequest),
        (400, "invalid_pages", medley.BadRequest),
        (401, "unauthenticated", medley.Unauthenticated),
        (403, "adapter_forbidden", medley.Forbidden),
        (404, "adapter_not_found", medley.NotFound),
        (404, "job_not_found", medley.NotFound),
        (409, "idempotency_conflict", medley.IdempotencyConflict),
        (410, "result_expired", medley.ResultExpired),
        (413, "file_too_large", medley.TooLarge),
        (413, "too_many_pages", medley.TooManyPages),
        (413, "too_many_pixels", medley.TooLarge),
        (415, "unsupported_media_type", medley.UnsupportedMediaType),
        (422, "encrypted_document", medley.EncryptedDocument),
        (422, "corrupt_document", medley.UnusableDocument),
        (422, "blank_document", medley.BlankDocument),
        (422, "image_too_small", medley.UnusableDocument),
        (422, "schema_unsupported", medley.SchemaUnsupported),
        (422, "not_a_medical_document", medley.UnusableDocument),
        (429, "queue_full", medley.NotNow),
        (502, "engine_error", medley.ServerFailed),
        (502, "output_truncated", medley.OutputUnusable),
        (502, "output_invalid", medley.OutputUnusable),
        (503, "engine_unavailable", medley.NotNow),
        (504, "deadline_exceeded", medley.DeadlineExceeded),
    ],
)
def test_each_code_has_its_error_with_page_and_request(
    server: FakeServer, waits: list[float], status: int, code: str, kind: type[medley.Refusal]
) -> None:
    server.refuse("POST", EXTRACT, status=status, code=code, page=3, limit=5, actual=9)

    with pytest.raises(medley.Refusal) as refused:
        Client(**of(server, attempts=1)).extract(b"x")

    error = refused.value
    assert type(error) is kind
    assert (error.code, error.page, error.request_id) == (code, 3, "fake-1")
    assert error.retryable == (status in (429, 502, 503, 504))
    if isinstance(error, medley.TooLarge):
        assert (error.limit, error.actual) == (5, 9)


def test_the_servers_own_table_of_codes_is_known_whole(server: FakeServer) -> None:
    from medley.refusals import refusal
    from medley_server.extraction import errors

    kinds: list[Any] = [one for one in vars(errors).values() if isinstance(one, type)]
    coded = {one.code: one for one in kinds if "code" in vars(one) and one.code}

    assert len(coded) > 20
    for code, kind in coded.items():
        error = refusal(None, {"error": {"message": "m", "code": code}})
        assert error.status == kind.status


def test_a_pydantic_model_is_a_schema_and_gives_typed_data(server: FakeServer) -> None:
    server.extracts(SampleExtraction("auto").data({"number": "A7", "total": 12.5}).build())

    extraction = Client(**of(server)).extract(b"x", schema=Invoice)

    assert json.loads(server.requests[0].fields["schema"]) == Invoice.model_json_schema()
    assert extraction.data_as(Invoice) == Invoice(number="A7", total=12.5)
    assert extraction.record is None
    with pytest.raises(ValueError, match="Invoice"):
        SAMPLE.data_as(Invoice)


@both
@pytest.mark.parametrize("body", [b"<html>", {}, {"id": 3}, []])
def test_an_extraction_that_is_none_is_told_so(server: FakeServer, use: Use, body: Any) -> None:
    server.answer("POST", EXTRACT, body)

    with pytest.raises(medley.UnexpectedAnswer) as told:
        use("extract", b"x", client=of(server))

    assert "\n" not in str(told.value)


@both
def test_a_prompt_over_a_document_is_answered_by_a_version(server: FakeServer, use: Use) -> None:
    server.analyzes("Nothing urgent.", model="note:7", digest="sha256:77", round=4)

    answer = use("analyze", b"x", "Is it urgent?", client=of(server), pages="1", max_tokens=9)

    assert (answer.text, answer.model, answer.round) == ("Nothing urgent.", "note:7", 4)
    assert server.requests[0].fields == {
        "prompt": "Is it urgent?",
        "pages": "1",
        "stream": "false",
        "max_tokens": "9",
    }


class Slow:
    """A server that takes in a document piece by piece, and keeps what it saw."""

    def __init__(self) -> None:
        self.keys: list[str] = []
        self.sizes: list[int] = []
        self.pieces = 0
        self.app = Starlette(routes=[Route(EXTRACT, self.extract, methods=["POST"])])

    async def extract(self, request: Request) -> Response:
        self.keys.append(request.headers["idempotency-key"])
        size = 0
        async for piece in request.stream():
            size += len(piece)
            self.pieces += 1
        self.sizes.append(size)
        return JSONResponse(SAMPLE.model_dump(mode="json"))


@both
def test_a_large_file_goes_out_in_pieces_and_as_large_as_it_is(use: Use, tmp_path: Path) -> None:
    path = tmp_path / "large.tiff"
    path.write_bytes(os.urandom(3_000_000))
    slow = Slow()

    with listening(slow.app) as url:
        use("extract", path, client={"base_url": url})

    assert 3_000_000 < slow.sizes[0] < 3_001_000  # base64 would make it 4 million
    assert slow.pieces > 10


@both
def test_a_server_that_fails_half_way_is_sent_the_whole_file_again(
    use: Use, waits: list[float]
) -> None:
    slow = Slow()

    async def break_off(scope: Any, receive: Any, send: Any) -> None:
        async def sending(message: Any) -> None:
            if len(slow.keys) > 1 or message["type"] == "http.response.start":
                await send(message)
                return
            await send({**message, "body": message["body"][:9], "more_body": True})
            raise ConnectionResetError  # uvicorn closes what is not whole

        await slow.app(scope, receive, sending)

    with listening(break_off) as url:
        assert use("extract", io.BytesIO(b"x" * 1000), client={"base_url": url}) == SAMPLE

    assert slow.keys[0] == slow.keys[1]
    assert slow.sizes[0] == slow.sizes[1]


def test_threads_share_one_client(tmp_path: Path) -> None:
    slow = Slow()
    done: list[Any] = []

    with listening(slow.app) as url, Client(url) as client:
        threads = [
            threading.Thread(target=lambda: done.append(client.extract(b"x"))) for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert done == [SAMPLE] * 8
    assert len(set(slow.keys)) == 8


def _job(status: str) -> medley.Job:
    return medley.Job.model_validate(
        {
            "id": "job-1",
            "status": status,
            "created_at": "2026-11-21T08:00:00Z",
            "expires_at": "2026-11-21T09:00:00Z",
            "pages_in": 3,
        }
    )
