import logging
import re

import httpx
import pytest
from medley_registry import Registry
from medley_server.residency import Residency

from tests.unit.server.observing.conftest import Observe
from tests.unit.server.observing.speaking_app import PROMPT_TOKENS, WORDS, SpeakingApp

NOTE = {"adapter": "note", "version": "note:1"}


async def test_our_numbers_stand_behind_vllms(observe: Observe) -> None:
    async with observe() as seen:
        plain = await seen.http.get("/metrics", headers={"accept": "application/openmetrics-text"})
        up = await seen.value("vllm:up")
        ready = await seen.value("medley_ready")

    assert (up, ready) == (1.0, 1.0)
    assert plain.headers["content-length"] == str(len(plain.content))
    assert "# EOF" not in plain.text


@pytest.mark.parametrize("is_stream", [False, True])
async def test_requests_and_tokens_are_counted_by_version(
    observe: Observe, *, is_stream: bool
) -> None:
    async with observe() as seen:
        await seen.chat("note@production", stream=is_stream)
        await seen.chat("note:2")
        told = await seen.scrape()

    requests = {
        dict(labels)["version"]: value
        for (name, labels), value in told.items()
        if name == "medley_requests_total" and ("route", "/v1/chat/completions") in labels
    }
    assert requests == {"note:1": 1, "note:2": 1}
    of_note = frozenset(NOTE.items())
    assert told["medley_prompt_tokens_total", of_note] == PROMPT_TOKENS
    assert told["medley_completion_tokens_total", of_note] == len(WORDS)
    assert told["medley_time_to_first_token_seconds_count", of_note] == is_stream
    assert told["medley_inter_token_seconds_count", of_note] == (len(WORDS) - 1) * is_stream
    assert told["medley_request_seconds_count", of_note] == 1
    assert told["medley_queue_wait_seconds_count", of_note] == 1


async def test_the_base_and_what_no_model_answers_have_names_of_their_own(
    observe: Observe,
) -> None:
    async with observe() as seen:
        await seen.chat(seen.service.base_name)
        await seen.chat("ghost-of-a-patient")
        told = await seen.scrape()

    versions = {dict(labels).get("version") for (name, labels) in told if "request" in name}
    assert versions >= {seen.service.base_name, "none"}
    assert not any("ghost" in str(key) for key in told)


async def test_errors_are_counted_by_code(observe: Observe) -> None:
    async with observe(SpeakingApp(fails_with=500)) as seen:
        await seen.chat()
        await seen.chat("ghost")
        mine = await seen.value("medley_errors_total", **NOTE, code="status_500")
        none = await seen.value("medley_errors_total", adapter="", version="none",
                                code="model_not_found")  # fmt: skip

    assert (mine, none) == (1, 1)


@pytest.mark.parametrize("is_stream", [False, True])
async def test_an_answer_that_names_another_version_is_counted_and_logged(
    observe: Observe, caplog: pytest.LogCaptureFixture, *, is_stream: bool
) -> None:
    liar = SpeakingApp(names="note@" + "0" * 32)

    async with observe(liar) as seen:
        before = await seen.value("medley_wrong_version_answers_total")
        with caplog.at_level(logging.ERROR):
            await seen.chat(stream=is_stream)
        wrong = await seen.value("medley_wrong_version_answers_total")

    assert (before, wrong) == (0, 1)
    assert "an answer of note:1 names another" in caplog.text


async def test_right_answers_are_not_counted_as_wrong(observe: Observe) -> None:
    async with observe() as seen:
        for model in ("note", "note:2", seen.service.base_name, "ghost"):
            await seen.chat(model)
            await seen.chat(model, stream=True)
        wrong = await seen.value("medley_wrong_version_answers_total")

    assert wrong == 0


async def test_residency_is_told_by_tier(observe: Observe, registry: Registry) -> None:
    async with observe() as seen:
        before = await seen.value("medley_version_resident", **NOTE, tier="engine")
        other = await seen.value("medley_version_resident", adapter="note", version="note:2",
                                 tier="engine")  # fmt: skip
        held = await seen.value("medley_resident_versions", tier="engine")
        fetched = await seen.value("medley_version_resident", **NOTE, tier="fetched")

    assert (before, other, held, fetched) == (1, None, 1, 1)


async def test_a_version_that_was_taken_back_has_no_series(
    observe: Observe, registry: Registry
) -> None:
    async with observe() as seen:
        await seen.chat("note:2")
        before = await seen.value("medley_prompt_tokens_total", adapter="note", version="note:2")
        registry.lifecycle.quarantine("note", 2, actor="t", reason="odd")
        await seen.service._follower.reconcile()
        after = await seen.value("medley_prompt_tokens_total", adapter="note", version="note:2")

    assert (before, after) == (PROMPT_TOKENS, None)


async def test_a_swap_is_told_by_phase_and_outcome(observe: Observe, registry: Registry) -> None:
    async with observe() as seen:
        first = await seen.value("medley_swaps_total", outcome="done")
        registry.promote("note", 2, actor="t")
        await seen.service._follower.reconcile()
        loaded = await seen.value("medley_swap_phase_seconds_count", phase="loaded")
        failed = await seen.value("medley_last_swap_failed", alias="note@production")

    assert (first, loaded, failed) == (1, 2, 0)


async def test_a_swap_that_fails_is_told(
    observe: Observe, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    from medley_server.errors import AdapterUnavailable

    async def refuse(*_: object) -> None:
        raise AdapterUnavailable("no")

    async with observe() as seen:
        monkeypatch.setattr(Residency, "ensure", refuse)
        registry.promote("note", 2, actor="t")
        await seen.service._follower.reconcile()
        outcome = await seen.value("medley_swaps_total", outcome="failed")
        last = await seen.value("medley_last_swap_failed", alias="note@production")

    assert (outcome, last) == (1, 1)


async def test_no_label_is_what_a_caller_chose_freely(observe: Observe) -> None:
    async with observe() as seen:
        await seen.chat("note", user="CANARY-user")
        await seen.http.get("/CANARY-path")
        await seen.http.request("CANARY", "/v1/chat/completions")
        text = (await seen.http.get("/metrics")).text

    assert "CANARY" not in text
    routes = set(re.findall(r'route="([^"]*)"', text))
    assert routes == {"/v1/chat/completions", "other"}


async def test_a_request_of_a_whole_browser_is_no_route_of_its_own(observe: Observe) -> None:
    async with observe() as seen:
        answers: list[httpx.Response] = [
            await seen.http.get(path) for path in ("/v1/models", "/health", "/v1/jobs/abc")
        ]
        text = (await seen.http.get("/metrics")).text

    assert [answer.status_code for answer in answers] == [200, 200, 404]
    assert 'route="/v1/jobs/*"' in text
