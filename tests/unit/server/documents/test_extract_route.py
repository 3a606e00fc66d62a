import asyncio
import base64
import json
from typing import Any

import pytest
from medley.results import Extraction, Job
from medley_registry import Registry
from medley_server.extraction.errors import EncryptedDocument

from tests.unit.server.documents.conftest import PAGES, Front, Line, Open, eventually, finished
from tests.unit.server.documents.extractor import LineExtractor

B64 = base64.b64encode(PAGES).decode()


@pytest.mark.parametrize("path", ["/extract", "/v1/extract"])
async def test_a_form_is_answered_with_the_record(front: Front, path: str) -> None:
    answer = await front.http.post(path, files={"file": ("a.pdf", PAGES)})

    found = Extraction.model_validate_json(answer.content)
    assert answer.status_code == 200
    assert found.record is not None
    assert [lab.name.value for lab in found.record.labs] == ["Potassium", "Sodium"]
    await eventually(lambda: front.files() == set())


@pytest.mark.parametrize(
    "file",
    [
        B64,
        f"data:application/pdf;base64,{B64}",
        f"data:;base64,{B64}",
        "\r\n".join(B64[n : n + 8] for n in range(0, len(B64), 8)),
    ],
)
async def test_json_is_answered_as_a_form_is(front: Front, file: str) -> None:
    answer = await front.http.post("/extract", json={"outputs": ["record", "text"], "file": file})

    assert answer.status_code == 200, answer.text
    assert Extraction.model_validate_json(answer.content).document.pages_in == 2


async def test_json_may_come_in_any_pieces_and_with_any_escapes(front: Front) -> None:
    escaped = B64.replace("=", "\\u003d").replace("/", "\\/").replace("Q", "\\u0051")
    body = b'{"mode": "sync", "file" : "%s\\n", "schema": null}' % escaped.encode()

    for size in (1, 2, 3, 7, 1000):
        pieces = [body[n : n + size] for n in range(0, len(body), size)]

        async def sent(pieces: list[bytes] = pieces) -> Any:
            for piece in pieces:
                yield piece

        headers = {"content-type": "application/json"}
        answer = await front.http.post("/extract", content=sent(), headers=headers)

        assert answer.status_code == 200, answer.text


async def test_whose_a_document_is_decides_which_side_of_an_alias_reads_it(
    front: Front, extractor: LineExtractor, registry: Registry
) -> None:
    _, secret = registry.access.add("clinic", scopes=("infer",), actor="t")
    as_clinic = {"authorization": f"Bearer {secret}"}

    await front.extract()
    await front.extract(headers=as_clinic)
    asked = {"file": B64, "prompt": "Which?"}
    await front.http.post("/v1/analyze", json=asked, headers=as_clinic)

    assert len(set(extractor.callers)) == 2
    assert extractor.callers[1] == extractor.callers[2]


@pytest.mark.parametrize(
    "outputs", [{"outputs": "record,fhir"}, {"outputs": ["record", "fhir"]}, {"outputs": ""}]
)
async def test_outputs_of_a_form_are_a_list_or_repeated(
    front: Front, outputs: dict[str, Any]
) -> None:
    answer = await front.extract(**outputs)

    assert answer.status_code == 200, answer.text


BAD_BODIES: list[tuple[bytes, str]] = [
    (b"", "application/json"),
    (b"{", "application/json"),
    (b"[]", "application/json"),
    (b"7", "application/json"),
    (b'{"file": "QUJD"', "application/json"),
    (b'{"file": "QUJD", "file": "QUJD"}', "application/json"),
    (b'{"file": ["QUJD"]}', "application/json"),
    (b'{"file": {"file": "QUJD"}}', "application/json"),
    (b'{"file": null}', "application/json"),
    (b'{"mode": "sync"}', "application/json"),
    (b'{"file": "QUJD=QUJD"}', "application/json"),
    (b'{"file": "QUI=QUJD"}', "application/json"),
    (b'{"file": "QUJ"}', "application/json"),
    (b'{"file": "QU\\"JD"}', "application/json"),
    (b'{"file": "\xff\xfe"}', "application/json"),
    (b'{"file": "data:application/pdf,QUJD"}', "application/json"),
    (b'{"file": "QUJD", "confidence_min": NaN}', "application/json"),
    (b'{"file": "QUJD", "confidence_min": 1e999}', "application/json"),
    (b'{"file": "QUJD", "adapter": "\\ud800"}', "application/json"),
    (b'{"file": "QUJD", "schema": ' + b"[" * 5000 + b"]" * 5000 + b"}", "application/json"),
    (b'{"file": "QUJD", "schema": {"a":' * 100 + b"1" + b"}" * 100 + b"}", "application/json"),
    (b"--B\r\n", "multipart/form-data; boundary=B"),
    (b"--B--\r\n", "multipart/form-data; boundary=B"),
    (b"", "multipart/form-data"),
]


@pytest.mark.parametrize(("body", "kind"), BAD_BODIES)
async def test_a_body_that_is_none_is_refused_and_leaves_nothing(
    front: Front, body: bytes, kind: str, extractor: LineExtractor
) -> None:
    answer = await front.http.post("/extract", content=body, headers={"content-type": kind})

    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["code"] == "invalid_request"
    assert extractor.began == 0
    await eventually(lambda: front.files() == set())


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("mode", "soon"),
        ("outputs", "record,poem"),
        ("confidence_min", "2"),
        ("timeout_s", "0"),
        ("schema", "{"),
        ("colour", "blue"),
        ("json_schema", "{}"),
    ],
)
async def test_an_option_that_is_none_is_refused_by_its_name(
    front: Front, field: str, value: str
) -> None:
    options: dict[str, Any] = {field: value}
    answer = await front.extract(**options)

    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (400, "invalid_request")
    assert error["param"] == field


async def test_what_is_asked_for_is_not_quoted_in_a_refusal(front: Front) -> None:
    answer = await front.extract(mode="Jane Doe")

    assert "Jane" not in answer.text


async def test_another_content_type_is_refused_with_what_to_send(front: Front) -> None:
    headers = {"content-type": "application/pdf"}
    answer = await front.http.post("/extract", content=PAGES, headers=headers)

    assert answer.status_code == 415
    assert answer.json()["error"]["code"] == "unsupported_media_type"
    assert "multipart/form-data" in answer.json()["error"]["message"]


@pytest.mark.parametrize("is_announced", [True, False])
@pytest.mark.parametrize("form", [True, False])
@pytest.mark.parametrize("size", [10_001, 5_000_000])
async def test_a_document_over_the_limit_is_told_limit_and_size(
    front: Front, *, is_announced: bool, form: bool, size: int
) -> None:
    whole = b"x" * size
    body: dict[str, Any] = {"files": {"file": ("a", whole)}}
    if not form:
        body = {"json": {"file": base64.b64encode(whole).decode()}}
    request = front.http.build_request("POST", "/extract", **body)
    content = await request.aread()

    async def sent() -> Any:
        for start in range(0, len(content), 100_000):
            yield content[start : start + 100_000]

    headers = {"content-type": request.headers["content-type"]}
    given: Any = content if is_announced else sent()
    answer = await front.http.post("/extract", content=given, headers=headers)

    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["param"]) == (413, "file_too_large", "file")
    assert error["details"]["limit"] == 10_000
    assert error["details"]["actual"] > 10_000
    await eventually(lambda: front.files() == set())


async def test_a_document_as_long_as_it_may_be_is_taken(front: Front) -> None:
    whole = b"Potassium 5.9\n" * 714 + b"\n" * 4

    for answer in (
        await front.extract(whole[:10_000].rstrip(b"\n")),
        await front.http.post(
            "/extract", json={"file": base64.b64encode(whole[:9_996]).decode(), "mode": "sync"}
        ),
    ):
        assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("mode", ["auto", "sync"])
async def test_a_caller_who_hangs_up_stops_the_work(
    front: Front, extractor: LineExtractor, mode: str
) -> None:
    extractor.gate.clear()
    line = Line(front.gateway)
    call = asyncio.create_task(line.post("/v1/extract", {"file": B64, "mode": mode}))
    await extractor.working.wait()

    line.left.set()
    await call

    await eventually(lambda: extractor.cancelled == 1 and front.files() == set())
    assert front.desk.turns.row["running"] == 0
    assert front.desk.turns.row["waiting"] == 0


async def test_a_caller_who_hangs_up_while_waiting_in_line_leaves_it(open_front: Open) -> None:
    async with open_front(running=1, waiting=1) as front:
        lines = [Line(front.gateway) for _ in range(2)]
        extractor: Any = front.desk._shift._extractor
        extractor.gate.clear()
        first = asyncio.create_task(lines[0].post("/v1/extract", {"file": B64}))
        await extractor.working.wait()
        second = asyncio.create_task(lines[1].post("/v1/extract", {"file": B64}))
        await eventually(lambda: front.desk.turns.row["waiting"] == 1)

        lines[1].left.set()
        await eventually(lambda: front.desk.turns.row["waiting"] == 0)

        extractor.gate.set()
        await asyncio.gather(first, second)
        assert extractor.began == 1
        assert lines[0].messages[0]["status"] == 200


async def test_a_caller_who_hangs_up_in_the_middle_of_the_body_leaves_nothing(
    front: Front,
) -> None:
    line = Line(front.gateway)
    begun = b'{"file": "' + b"QUJD" * 100
    call = asyncio.create_task(line.post("/v1/extract", {}, body=begun))
    await eventually(lambda: any((front.folder / "incoming").iterdir()))

    line.left.set()
    await call

    assert not any((front.folder / "incoming").iterdir())


async def test_a_body_that_does_not_go_on_is_cut_off(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("medley_server.document_uploads.PATIENCE_S", 0.01)
    monkeypatch.setattr("medley_server.draining.LONGEST_S", 0.05)  # for the rest, once answered
    line = Line(front.gateway)

    await line.post("/v1/extract", {}, body=b'{"file": "QUJD')

    assert line.messages[0]["status"] == 408
    assert json.loads(line.messages[1]["body"])["error"]["code"] == "upload_too_slow"
    assert not any((front.folder / "incoming").iterdir())


async def test_a_body_that_drips_is_cut_off(front: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("medley_server.document_uploads.LONGEST_S", 0.05)

    async def dripping() -> Any:
        while True:
            yield b" "
            await asyncio.sleep(0.002)

    headers = {"content-type": "application/json"}
    answer = await front.http.post("/extract", content=dripping(), headers=headers)

    assert answer.status_code == 408


async def test_a_full_disk_is_told_and_leaves_nothing(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device", str(front.folder))

    monkeypatch.setattr("medley_server.multipart.FormFolder.write", full)
    answer = await front.extract()

    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (503, "storage_unavailable")
    assert error["retryable"] is True
    assert answer.headers["retry-after"] == "30"
    assert str(front.folder) not in answer.text
    await eventually(lambda: front.files() == set())


async def test_sync_ends_at_its_deadline_and_the_work_with_it(
    front: Front, extractor: LineExtractor
) -> None:
    extractor.gate.clear()

    answer = await front.extract(mode="sync", timeout_s="1")

    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (504, "deadline_exceeded")
    assert error["retryable"] is True
    await eventually(lambda: extractor.cancelled == 1 and front.files() == set())


async def test_auto_becomes_a_job_and_the_work_is_not_begun_anew(
    front: Front, extractor: LineExtractor
) -> None:
    extractor.gate.clear()

    answer = await front.extract(timeout_s="0.05")
    extractor.gate.set()

    job = Job.model_validate_json(answer.content)
    assert answer.status_code == 202
    assert answer.headers["location"] == f"/v1/jobs/{job.id}"
    assert int(answer.headers["retry-after"]) >= 1
    assert job.status == "running"
    done = await finished(front, job.id)
    assert done.result is not None
    assert done.result.document.pages_processed == 2
    assert extractor.began == 1


async def test_async_is_a_job_at_once(front: Front, extractor: LineExtractor) -> None:
    extractor.gate.clear()

    answer = await front.extract(mode="async")
    extractor.gate.set()

    assert answer.status_code == 202
    done = await finished(front, answer.json()["id"])
    assert (done.status, done.pages_done, done.pages_in) == ("done", 2, 2)


async def test_a_document_that_fails_in_a_job_fails_as_it_would_have_at_once(
    front: Front, extractor: LineExtractor
) -> None:
    extractor.failure = EncryptedDocument("It needs a password.", page=1)

    at_once = await front.extract(headers={"x-request-id": "a"})
    answer = await front.extract(mode="async", headers={"x-request-id": "a"})
    failed = await finished(front, answer.json()["id"])

    assert at_once.status_code == 422
    assert failed.status == "failed"
    assert failed.error == at_once.json()["error"]
