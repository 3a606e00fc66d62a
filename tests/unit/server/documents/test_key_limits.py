"""What the limits of a key mean for documents, whose questions are asked after the request."""

from typing import Any

import pytest
from medley.results import Job
from medley_server.limits.table import KeyLimits, Limits

from tests.unit.server.documents.conftest import Open, finished
from tests.unit.server.documents.extractor import LineExtractor
from tests.unit.server.documents.test_analyze_route import analyze


def limits(**default: int) -> Limits:
    return Limits(default=KeyLimits(**default))


@pytest.mark.parametrize("mode", ["sync", "async"])
async def test_a_key_pays_for_its_documents_as_they_are_read_and_waits_while_it_owes(
    open_front: Open, extractor: LineExtractor, mode: str
) -> None:
    extractor.cost = 100
    async with open_front(of_keys=limits(tokens_per_minute=60)) as front:
        first = await front.extract(mode=mode)
        if mode == "async":
            await finished(front, Job.model_validate_json(first.content).id)
        refused = await front.extract(mode=mode)
        looked = await front.http.get("/v1/jobs")

    error = refused.json()["error"]
    assert first.status_code in (200, 202)
    assert (refused.status_code, error["code"]) == (429, "rate_limited")
    assert "60 tokens a minute" in error["message"]
    assert 30 <= int(refused.headers["retry-after"]) <= 40  # it owes forty, one comes a second
    assert looked.status_code == 200


async def test_nobody_pays_for_what_an_earlier_server_had_promised(
    open_front: Open, extractor: LineExtractor
) -> None:
    extractor.cost = 100
    extractor.gate.clear()
    async with open_front() as front:
        job = Job.model_validate_json((await front.extract(mode="async")).content).id
    extractor.gate.set()

    async with open_front(of_keys=limits(tokens_per_minute=60)) as front:
        assert (await finished(front, job)).status == "done"
        assert (await front.extract()).status_code == 200


@pytest.mark.parametrize(
    ("asked", "own"), [({}, None), ({"max_tokens": 20}, 20), ({"max_tokens": 50}, 50)]
)
async def test_an_answer_about_a_document_is_as_long_as_the_key_may_ask_for(
    open_front: Open, extractor: LineExtractor, asked: Any, own: int | None
) -> None:
    async with open_front(of_keys=limits(max_tokens=50)) as front:
        passed = await analyze(front, **asked)
        refused = await analyze(front, max_tokens=51)

    error = refused.json()["error"]
    assert (passed.status_code, extractor.bounds) == (200, [(own, 50)])
    assert (refused.status_code, error["param"]) == (400, "max_tokens")
    assert "may ask for 50 at most" in error["message"]
