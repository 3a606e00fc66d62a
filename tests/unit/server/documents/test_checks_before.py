"""What is refused at once, before a job is made of it."""

from typing import Any

import pytest
from medley_registry import Registry
from medley_server.extraction.errors import OutputInvalid, SchemaUnsupported

from tests.unit.server.documents.conftest import PAGES, Front, finished
from tests.unit.server.documents.extractor import LineExtractor


def key(registry: Registry, *scopes: str) -> dict[str, str]:
    _, secret = registry.access.add("ward", scopes=scopes, actor="test")
    return {"authorization": f"Bearer {secret}"}


@pytest.mark.parametrize("mode", ["sync", "async", "auto"])
async def test_options_that_cannot_be_met_make_no_job(
    front: Front, extractor: LineExtractor, mode: str
) -> None:
    extractor.refusal = SchemaUnsupported("no `oneOf`", details={"keyword": "oneOf"})

    answer = await front.extract(mode=mode)

    assert answer.status_code == 422
    assert answer.json()["error"]["details"] == {"keyword": "oneOf"}
    assert extractor.began == 0
    assert (await front.http.get("/v1/jobs")).json()["jobs"] == []
    assert front.files() == set()


async def test_an_answer_that_is_kept_comes_again_although_it_could_not_be_made_now(
    front: Front, extractor: LineExtractor
) -> None:
    headers = {"idempotency-key": "monday"}
    first = await front.extract(headers=headers)
    extractor.refusal = SchemaUnsupported("no `oneOf`")

    again = await front.extract(headers=headers)

    assert again.status_code == 200
    assert again.json() == first.json()


@pytest.mark.parametrize(
    ("path", "more"), [("extract", {"mode": "async"}), ("analyze", {"prompt": "?"})]
)
async def test_an_adapter_that_the_key_may_not_use_is_refused(
    front: Front, registry: Registry, extractor: LineExtractor, path: str, more: dict[str, Any]
) -> None:
    headers = key(registry, "infer:other-*")

    answer = await front.http.post(
        f"/v1/{path}",
        files={"file": ("scan.pdf", PAGES)},
        data={"adapter": "note@canary", **more},
        headers=headers,
    )

    assert answer.status_code == 403
    error = answer.json()["error"]
    assert (error["code"], error["param"]) == ("adapter_forbidden", "adapter")
    assert error["retryable"] is False
    assert extractor.began == 0


async def test_what_a_model_wrote_instead_of_an_answer_is_given_to_the_owner_and_to_no_log(
    front: Front, extractor: LineExtractor, caplog: pytest.LogCaptureFixture
) -> None:
    extractor.failure = OutputInvalid.with_output("no JSON", "Patient Ada Marlowe has " * 1000)

    answer = await front.extract(mode="sync")
    job = (await front.extract(mode="async")).json()["id"]
    error = (await finished(front, job)).error

    assert answer.status_code == 502
    assert error is not None
    for told in (answer.json()["error"], error):
        assert told["code"] == "output_invalid"
        assert told["details"]["output"].startswith("Patient Ada Marlowe has ")
        assert len(told["details"]["output"]) == 8192
        assert "Ada" not in told["message"]
    assert "Ada" not in caplog.text
