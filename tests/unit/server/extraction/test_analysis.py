"""Free prompts: streams that can be left, and documents that are too long."""

import json
from pathlib import Path
from typing import Any

import pytest
from medley.pages import PageStatus
from medley.results import AnalysisOptions
from medley_server.extraction.errors import BlankDocument, DocumentTooLong, EngineError
from medley_server.extraction.question import Question

from tests.unit.server.extraction.paper import empty_page, page_of
from tests.unit.server.extraction.rule_engine import OneModel, RuleEngine, pipeline_of

LABS = ("Potassium 5.9 mmol/L", "Sodium 140 mmol/L")
STREAM = AnalysisOptions(prompt="How many?", stream=True)


async def begin(engine: RuleEngine, models: OneModel, *pages: Any) -> Any:
    pipeline = pipeline_of(engine, *(pages or (page_of(*LABS),)), models=models)
    return await pipeline.analyze(Path("d"), STREAM, request_id="r7")


async def test_events_come_after_one_that_tells_of_the_pages() -> None:
    engine, models = RuleEngine(lambda _: "Two."), OneModel()

    events = await begin(engine, models, page_of(*LABS), empty_page(PageStatus.FAILED, 2, "broken"))
    held = models.held
    first, *rest = [event async for event in events]

    opening = json.loads(first.removeprefix(b"data: "))
    assert (opening["id"], opening["model"], opening["choices"]) == ("r7", "tiny", [])
    assert opening["medley"]["pages_in"] == 2
    assert opening["medley"]["pages_processed"] == 1
    assert [warning["page"] for warning in opening["medley"]["warnings"]] == [2]
    assert rest[-1] == b"data: [DONE]\n\n"
    assert (held, models.held) == (1, 0)


async def test_a_stream_that_is_left_lets_the_engine_and_the_version_go() -> None:
    engine, models = RuleEngine(lambda _: "Two. " * 100), OneModel()

    events = await begin(engine, models)
    await anext(events)
    await anext(events)
    await events.aclose()

    assert (engine.closed, models.held) == (1, 0)


async def test_a_stream_that_nobody_began_to_read_can_be_left() -> None:
    engine, models = RuleEngine(lambda _: "Two."), OneModel()

    events = await begin(engine, models)
    await events.aclose()

    assert (engine.closed, models.held) == (1, 0)


async def test_what_the_engine_refuses_is_raised_before_the_stream() -> None:
    def refuses(question: Question) -> str:
        raise EngineError("The engine refused the question (status 400).")

    models = OneModel()

    with pytest.raises(EngineError):
        await begin(RuleEngine(refuses), models)

    assert models.held == 0


async def test_a_document_that_is_too_long_is_refused_with_numbers() -> None:
    page = page_of(*["many words in each line of the page"] * 30)

    with pytest.raises(DocumentTooLong) as refused:
        await begin(RuleEngine(lambda _: "", limit=200), OneModel(), page)

    assert refused.value.details["limit"] == 200 - 64
    assert refused.value.details["actual"] > 136


async def test_the_callers_budget_is_kept() -> None:
    engine = RuleEngine(lambda _: "One two three four five six.")
    pipeline = pipeline_of(engine, page_of(*LABS))
    options = AnalysisOptions(prompt="Count.", max_tokens=3, temperature=0.5)

    (body,) = [piece async for piece in await pipeline.analyze(Path("d"), options, request_id="r")]

    answer = json.loads(body)
    assert answer["choices"][0]["finish_reason"] == "length"
    assert answer["usage"]["completion_tokens"] == 3
    assert engine.questions[0].temperature == 0.5


@pytest.mark.parametrize(
    ("limit", "most", "given"),
    [(4096, None, 1024), (4096, 300, 300), (4096, 5000, 1024), (4096, 10, 10), (200, 300, None)],
)
async def test_a_bound_that_the_caller_did_not_ask_for_gives_way_to_the_room(
    limit: int, most: int | None, given: int | None
) -> None:
    engine = RuleEngine(lambda _: "Two.", limit=limit)
    pipeline = pipeline_of(engine, page_of(*LABS))
    options = AnalysisOptions(prompt="How many?")

    await pipeline.analyze(Path("d"), options, request_id="r", most_tokens=most)

    (question,) = engine.questions
    assert question.max_tokens == given or 64 <= question.max_tokens < limit


async def test_a_blank_document_is_not_asked_about() -> None:
    engine = RuleEngine(lambda _: "The Art of War")

    with pytest.raises(BlankDocument):
        await begin(engine, OneModel(), empty_page(PageStatus.BLANK))

    assert engine.questions == []
