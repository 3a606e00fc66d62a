import asyncio
import json
import sqlite3
import stat
from collections.abc import Sequence
from typing import Any

import httpx
import pytest
from medley.results import Job
from medley_registry import Registry
from medley_server.errors import CannotStart
from medley_server.extraction.errors import CorruptDocument, EngineUnavailable
from medley_server.jobs.job_row import FORGOTTEN_AFTER_S

from tests.unit.server.documents.conftest import (
    PAGES,
    Clock,
    Front,
    Line,
    Open,
    eventually,
    finished,
)
from tests.unit.server.documents.extractor import LineExtractor


async def begun(front: Front, **more: Any) -> str:
    """The id of a new job."""
    answer = await front.extract(mode="async", **more)
    assert answer.status_code == 202, answer.text
    return Job.model_validate_json(answer.content).id


def codes(answers: Sequence[httpx.Response]) -> list[int]:
    return sorted(answer.status_code for answer in answers)


async def test_no_more_run_at_a_time_than_may_and_the_next_but_those_who_wait_is_refused(
    open_front: Open, extractor: LineExtractor
) -> None:
    extractor.gate.clear()
    async with open_front(running=2, waiting=3) as front:
        jobs = [await begun(front) for _ in range(5)]
        await eventually(lambda: front.desk.turns.row["running"] == 2)
        refused = await front.extract()
        health = (await front.http.get("/health")).json()["extraction"]

        error = refused.json()["error"]
        assert (refused.status_code, error["code"]) == (429, "queue_full")
        assert error["retryable"] is True
        assert int(refused.headers["retry-after"]) >= 1
        assert (health["running"], health["waiting"]) == (2, 3)

        extractor.gate.set()
        assert {(await finished(front, job)).status for job in jobs} == {"done"}
        assert extractor.most == 2
        assert (await front.extract()).status_code == 200


async def test_a_full_line_refuses_before_it_takes_the_body(
    open_front: Open, extractor: LineExtractor
) -> None:
    extractor.gate.clear()
    async with open_front(running=1, waiting=0) as front:
        await begun(front)
        line = Line(front.gateway)

        await line.post("/v1/extract", {}, body=b"")  # no byte of it ever comes

        assert line.messages[0]["status"] == 429


async def test_the_wait_that_is_told_follows_the_recent_pace(open_front: Open) -> None:
    async with open_front(running=2, waiting=8) as front:
        turns = front.desk.turns
        turns.durations.extend([40.0, 60.0])
        for _ in range(5):
            turns.enter()

        assert turns.wait_s == 100  # four turns of 50 s on two places
        turns.durations.clear()
        turns.durations.append(100_000.0)
        assert turns.wait_s == 600


async def test_the_same_key_with_the_same_request_is_the_same_job(
    front: Front, extractor: LineExtractor
) -> None:
    headers = {"idempotency-key": "a1"}
    first = await front.extract(headers=headers)
    again = await front.extract(headers=headers)

    assert codes([first, again]) == [200, 200]
    assert first.content == again.content
    assert extractor.began == 1


@pytest.mark.parametrize(
    "other", [{"document": b"Sodium 1\n"}, {"pages": "1"}, {"mode": "async"}, {"outputs": "fhir"}]
)
async def test_the_same_key_with_another_request_is_a_conflict(
    front: Front, extractor: LineExtractor, other: dict[str, Any]
) -> None:
    headers = {"idempotency-key": "a1"}
    await front.extract(headers=headers)
    refused = await front.extract(headers=headers, **other)

    assert refused.status_code == 409
    assert refused.json()["error"]["code"] == "idempotency_conflict"
    assert extractor.began == 1


async def test_keys_of_different_callers_have_nothing_to_do_with_each_other(
    front: Front, registry: Registry, extractor: LineExtractor
) -> None:
    theirs = _key(registry)
    first = await front.extract(headers={"idempotency-key": "a1"})
    second = await front.extract(b"Sodium 1\n", headers={"idempotency-key": "a1", **theirs})

    assert codes([first, second]) == [200, 200]
    assert extractor.began == 2


@pytest.mark.parametrize("mode", ["sync", "async", "auto"])
async def test_ten_at_once_with_one_key_are_one_job(
    front: Front, extractor: LineExtractor, mode: str
) -> None:
    extractor.gate.clear()
    headers = {"idempotency-key": "a1"}
    calls = [asyncio.create_task(front.extract(headers=headers, mode=mode)) for _ in range(10)]
    await extractor.working.wait()
    extractor.gate.set()
    answers = await asyncio.gather(*calls)

    assert extractor.began == 1
    if mode == "async":
        assert {answer.status_code for answer in answers} == {202}
        assert len({answer.json()["id"] for answer in answers}) == 1
        await finished(front, answers[0].json()["id"])
    else:
        assert len({answer.content for answer in answers}) == 1
    assert len(front.files()) == 1  # the result


async def test_ten_at_once_with_one_key_for_two_documents_are_one_job_and_conflicts(
    front: Front, extractor: LineExtractor
) -> None:
    documents = [b"Potassium 5.9\n", b"Sodium 140\n"] * 5
    headers = {"idempotency-key": "a1"}
    answers = await asyncio.gather(*(front.extract(one, headers=headers) for one in documents))

    assert codes(answers) == [200] * 5 + [409] * 5
    assert extractor.began == 1


async def test_who_hangs_up_does_not_take_the_work_from_another_with_the_same_key(
    front: Front, extractor: LineExtractor
) -> None:
    extractor.gate.clear()
    lines = [Line(front.gateway, key="a1") for _ in range(2)]
    fields = {"file": "U29kaXVtIDE0MA==", "mode": "sync"}
    calls = [asyncio.create_task(line.post("/v1/extract", fields)) for line in lines]
    await extractor.working.wait()
    await eventually(lambda: [work.waiters for work in front.desk._live.values()] == [2])

    lines[0].left.set()
    await calls[0]
    extractor.gate.set()
    await calls[1]

    assert lines[1].messages[0]["status"] == 200
    assert (extractor.began, extractor.cancelled) == (1, 0)


async def test_who_comes_again_after_hanging_up_gets_an_answer_by_the_same_key(
    front: Front, extractor: LineExtractor
) -> None:
    extractor.gate.clear()
    line = Line(front.gateway, key="a1")
    fields = {"file": "U29kaXVtIDE0MA==", "mode": "sync"}
    call = asyncio.create_task(line.post("/v1/extract", fields))
    await extractor.working.wait()
    line.left.set()
    await call
    extractor.gate.set()
    again = Line(front.gateway, key="a1")
    await again.post("/v1/extract", fields)

    assert again.messages[0]["status"] == 200


@pytest.mark.parametrize(
    ("failure", "times"),
    [(CorruptDocument("It is cut off."), 1), (EngineUnavailable("It is dead."), 2)],
)
async def test_a_failure_stands_for_its_key_unless_another_try_may_help(
    front: Front, extractor: LineExtractor, failure: Exception, times: int
) -> None:
    extractor.failure = failure
    headers = {"idempotency-key": "a1"}
    answers = [await front.extract(headers=headers) for _ in range(2)]

    assert len({answer.status_code for answer in answers}) == 1
    assert extractor.began == times


async def test_a_result_is_kept_for_its_time_then_gone_then_forgotten(
    open_front: Open, clock: Clock
) -> None:
    async with open_front(results_kept_s=100.0) as front:
        job = await begun(front)
        done = await finished(front, job)
        at = done.expires_at.timestamp()
        assert at == clock.now + 100

        clock.now = at - 0.001
        assert (await front.http.get(f"/v1/jobs/{job}")).status_code == 200

        clock.now = at
        gone = await front.http.get(f"/v1/jobs/{job}")
        await front.desk.archive.sweep()
        assert (gone.status_code, gone.json()["error"]["code"]) == (410, "result_expired")
        assert gone.json()["error"]["details"] == {"results_kept_s": 100.0}
        assert front.files() == set()

        clock.now = at + FORGOTTEN_AFTER_S - 0.001
        await front.desk.archive.sweep()
        assert (await front.http.get(f"/v1/jobs/{job}")).status_code == 410

        clock.now = at + FORGOTTEN_AFTER_S
        await front.desk.archive.sweep()
        assert (await front.http.get(f"/v1/jobs/{job}")).status_code == 404


async def test_a_key_stands_for_a_new_job_once_the_result_is_gone(
    front: Front, extractor: LineExtractor, clock: Clock
) -> None:
    headers = {"idempotency-key": "a1"}
    first = await begun(front, headers=headers)
    await finished(front, first)
    clock.now += 3600
    second = await begun(front, headers=headers)
    await finished(front, second)

    assert second != first
    assert extractor.began == 2


async def test_results_and_documents_are_readable_by_their_owner_only(
    front: Front, extractor: LineExtractor
) -> None:
    extractor.gate.clear()
    job = await begun(front)
    await extractor.working.wait()
    assert front.files() == {f"files/{job}/document"}
    modes = {stat.S_IMODE(path.stat().st_mode) for path in front.folder.rglob("*")}

    extractor.gate.set()
    await finished(front, job)

    assert front.files() == {f"files/{job}/result.json"}
    modes |= {stat.S_IMODE(path.stat().st_mode) for path in front.folder.rglob("*")}
    assert stat.S_IMODE(front.folder.stat().st_mode) == 0o700
    assert {mode & 0o077 for mode in modes} == {0}


async def test_other_callers_do_not_know_of_a_job(front: Front, registry: Registry) -> None:
    theirs = _key(registry)
    job = await begun(front)
    await finished(front, job)

    for method in ("GET", "DELETE"):
        answer = await front.http.request(method, f"/v1/jobs/{job}", headers=theirs)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "job_not_found")
    listed = await front.http.get("/v1/jobs", headers=theirs)
    assert listed.json() == {"jobs": [], "before": None}
    assert (await front.http.get(f"/v1/jobs/{job}")).status_code == 200


async def test_a_caller_sees_his_jobs_newest_first_in_pages(front: Front, clock: Clock) -> None:
    jobs = []
    for _ in range(5):
        jobs.append(await begun(front))
        clock.now += 1
    await front.extract()  # nobody was told of a job
    pages: list[list[str]] = []
    before: dict[str, str] = {}
    while before or not pages:
        answer = (await front.http.get("/v1/jobs", params={"limit": "2", **before})).json()
        assert all(job["result"] is None for job in answer["jobs"])
        pages.append([job["id"] for job in answer["jobs"]])
        before = {"before": answer["before"]} if answer["before"] else {}

    assert [len(page) for page in pages] == [2, 2, 1]
    assert [job for page in pages for job in page] == jobs[::-1]


@pytest.mark.parametrize(
    "query", [{"limit": "0"}, {"limit": "1001"}, {"limit": "x"}, {"before": "job_nobody"}]
)
async def test_a_list_that_cannot_be_had_is_refused(front: Front, query: dict[str, str]) -> None:
    answer = await front.http.get("/v1/jobs", params=query)

    assert answer.status_code == (404 if "before" in query else 400)
    assert answer.json()["error"]["request_id"] == answer.headers["x-request-id"]


@pytest.mark.parametrize("is_waiting", [True, False])
async def test_deleting_a_job_that_is_not_over_stops_it(
    open_front: Open, extractor: LineExtractor, *, is_waiting: bool
) -> None:
    extractor.gate.clear()
    async with open_front(running=1) as front:
        if is_waiting:
            await begun(front)
        job = await begun(front)
        await extractor.working.wait()

        answer = await front.http.delete(f"/v1/jobs/{job}")

        assert answer.json()["status"] == "cancelled"
        assert extractor.cancelled == (0 if is_waiting else 1)
        later = (await front.http.get(f"/v1/jobs/{job}")).json()
        assert (later["status"], later["error"]) == ("cancelled", None)
        again = await front.http.delete(f"/v1/jobs/{job}")
        assert again.json() == later  # a client may send it twice


async def test_deleting_a_job_that_is_over_lets_its_result_go(front: Front) -> None:
    job = await begun(front)
    await finished(front, job)

    answer = await front.http.delete(f"/v1/jobs/{job}")

    assert (answer.json()["status"], answer.json()["result"]) == ("done", None)
    assert front.files() == set()
    assert (await front.http.get(f"/v1/jobs/{job}")).status_code == 404


async def test_progress_can_be_watched(front: Front, extractor: LineExtractor) -> None:
    extractor.gate.clear()
    job = await begun(front)
    await extractor.working.wait()
    seen = set()

    async def look() -> None:
        found = (await front.http.get(f"/v1/jobs/{job}")).json()
        seen.add((found["status"], found["pages_done"], found["pages_in"]))

    await look()
    asked = await front.http.get(f"/v1/jobs/{job}")
    assert 1 <= int(asked.headers["retry-after"]) <= 5
    front.desk._live[job].progress(1, 2)
    await look()
    extractor.gate.set()
    await finished(front, job)
    await look()

    assert seen == {("running", 0, None), ("running", 1, 2), ("done", 2, 2)}


async def test_what_was_promised_is_done_by_the_next_server(
    open_front: Open, extractor: LineExtractor
) -> None:
    extractor.gate.clear()
    async with open_front(running=1, waiting=1) as front:
        jobs = [await begun(front) for _ in range(2)]
        await extractor.working.wait()
    assert {path.rpartition("/")[2] for path in front.files()} == {"document"}

    extractor.gate.set()
    async with open_front(running=1, waiting=0) as front:
        done = [await finished(front, job) for job in jobs]

    assert [job.status for job in done] == ["done", "done"]
    assert extractor.began == 3  # the one that ran when the server stopped was begun again


async def test_results_outlive_the_server(open_front: Open, extractor: LineExtractor) -> None:
    headers = {"idempotency-key": "a1"}
    async with open_front() as front:
        job = await begun(front, headers=headers)
        before = await finished(front, job)
    async with open_front() as front:
        assert await finished(front, job) == before
        assert await begun(front, headers=headers) == job

    assert extractor.began == 1


async def test_what_nobody_was_promised_is_not_done_by_the_next_server(
    open_front: Open, extractor: LineExtractor
) -> None:
    extractor.gate.clear()
    headers = {"idempotency-key": "a1"}
    async with open_front() as front:
        call = asyncio.create_task(front.extract(mode="sync", headers=headers))
        await extractor.working.wait()
    assert (await call).status_code == 503
    assert (await call).json()["error"]["code"] == "engine_unavailable"

    extractor.gate.set()
    async with open_front() as front:
        assert front.files() == set()
        assert extractor.began == 1
        assert (await front.extract(mode="sync", headers=headers)).status_code == 200


async def test_a_job_that_ran_at_two_stops_fails_and_does_not_come_back_for_ever(
    open_front: Open, extractor: LineExtractor
) -> None:
    extractor.gate.clear()
    async with open_front() as front:
        job = await begun(front)
        await extractor.working.wait()
    extractor.working.clear()
    async with open_front() as front:
        await extractor.working.wait()
    async with open_front() as front:
        failed = await finished(front, job)

    assert failed.status == "failed"
    assert failed.error is not None
    assert failed.error["code"] == "engine_error"
    assert extractor.began == 2


async def test_what_lies_about_after_a_crash_goes(open_front: Open) -> None:
    async with open_front() as front:
        stray = front.folder / "files" / "job_stray"
        half = front.folder / "incoming" / "half"
        for folder in (stray, half):
            folder.mkdir()
            (folder / "document").write_bytes(PAGES)
    async with open_front() as front:
        assert front.files() == set()


async def test_a_document_that_is_lost_fails_its_job(
    open_front: Open, extractor: LineExtractor
) -> None:
    extractor.gate.clear()
    async with open_front(running=1) as front:
        await begun(front)
        job = await begun(front)
        await extractor.working.wait()
    (front.folder / "files" / job / "document").unlink()
    extractor.gate.set()
    async with open_front() as front:
        failed = await finished(front, job)

    assert failed.error is not None
    assert failed.error["code"] == "storage_unavailable"


async def test_two_servers_do_not_share_a_folder(front: Front, open_front: Open) -> None:
    with pytest.raises(CannotStart, match="another server"):
        async with open_front():
            pass


async def test_a_store_of_another_version_is_not_touched(open_front: Open) -> None:
    async with open_front() as front:
        pass
    with sqlite3.connect(front.folder / "jobs.db") as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()

    with pytest.raises(Exception, match="another version"):
        async with open_front():
            pass


async def test_a_result_that_the_disk_does_not_take_fails_the_job(
    front: Front, extractor: LineExtractor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("medley_server.jobs.job_files._write", full)
    failed = await finished(front, await begun(front))

    assert failed.error is not None
    assert (failed.error["code"], failed.error["retryable"]) == ("storage_unavailable", True)


async def test_a_result_that_cannot_be_kept_still_reaches_who_waits_for_it(
    front: Front, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("medley_server.jobs.job_files._write", full)
    answer = await front.extract(headers={"idempotency-key": "a1"})

    assert answer.status_code == 200


async def test_a_document_that_takes_for_ever_fails(
    open_front: Open, extractor: LineExtractor
) -> None:
    extractor.gate.clear()
    async with open_front(longest_s=0.01) as front:
        failed = await finished(front, await begun(front))

    assert failed.error is not None
    assert failed.error["code"] == "deadline_exceeded"
    assert extractor.cancelled == 1


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb", "\u00e9"])
async def test_a_key_that_is_none_is_refused(front: Front, key: str) -> None:
    headers: Any = {"idempotency-key": key.encode("latin-1")}
    answer = await front.extract(headers=headers)

    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "idempotency-key"


async def test_a_row_says_the_same_when_it_is_read_back(front: Front) -> None:
    job = await begun(front, outputs="text,fhir,record", pages="1-2")
    await finished(front, job)
    (row,) = await front.desk._store.all()

    await front.desk._store.put(row)

    assert await front.desk._store.all() == [row]
    assert json.loads(row.options)["outputs"] == ["fhir", "record", "text"]


def _key(registry: Registry) -> dict[str, str]:
    _, secret = registry.access.add("ward 3", scopes=["infer"], actor="t")
    return {"authorization": f"Bearer {secret}"}
