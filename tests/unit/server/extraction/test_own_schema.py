"""A caller's own schema: filled, placed, joined over pages, and never believed."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from medley.pages import Page
from medley.results import Extraction, ExtractionOptions, ExtractionStatus, Grounding, Match
from medley_server.extraction.errors import (
    DocumentTooLong,
    OutputInvalid,
    OutputTruncated,
    SchemaUnsupported,
)
from medley_server.extraction.question import Question

from tests.unit.server.extraction.paper import page_of
from tests.unit.server.extraction.rule_engine import RuleEngine, asked, pipeline_of

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "number": {"type": ["string", "null"], "maxLength": 20},
        "paid": {"type": "boolean"},
        "kind": {"enum": ["invoice", "receipt"]},
        "items": {
            "type": "array",
            "maxItems": 30,
            "items": {
                "type": "object",
                "properties": {
                    "what": {"type": "string"},
                    "amount": {"type": "number"},
                },
                "required": ["what"],
            },
        },
    },
    "required": ["items"],
}
INVOICE = ("Invoice A17", "", "Chair 12.50", "", "Table 99.00")


def copies_items(question: Question) -> str:
    """What a good model fills in."""
    text = asked(question).partition("\nEND ")[0]
    number = re.search(r"Invoice (\w+)", text)
    items = [
        {"what": what, "amount": float(amount)}
        for what, amount in re.findall(r"(Chair|Table|Lamp)\W+([\d.]+)", text)
    ]
    data = {
        "number": number[1] if number else None,
        "paid": False,
        "kind": "invoice",
        "items": items,
    }
    return json.dumps(data, separators=(",", ":"))


async def fill(engine: RuleEngine, *pages: Page, **options: Any) -> Extraction:
    asked_for = ExtractionOptions(**{"schema": SCHEMA, **options})
    return await pipeline_of(engine, *pages).extract(Path("d"), asked_for, request_id="r")


async def test_every_leaf_has_its_place() -> None:
    page = page_of(*INVOICE)

    answer = await fill(RuleEngine(copies_items, chance=1.0), page)

    assert answer.status is ExtractionStatus.SUCCEEDED
    assert answer.record is None
    assert answer.data["items"] == [
        {"what": "Chair", "amount": 12.5},
        {"what": "Table", "amount": 99.0},
    ]
    printed = next(word for word in page.words if word.text == "99.00")
    place = answer.places["/items/1/amount"]
    assert place["bbox"] == pytest.approx(list(printed.box))
    assert (place["match"], place["text"], place["review"]) == (Match.NORMALIZED, "99.00", False)
    assert answer.places["/paid"]["match"] == Match.CONCLUDED
    assert answer.places["/kind"]["match"] in (Match.NORMALIZED, Match.CONCLUDED)


async def test_equal_values_are_placed_beside_what_they_belong_to() -> None:
    page = page_of("Chair 12.50", "", "Table 12.50")

    answer = await fill(RuleEngine(copies_items, chance=1.0), page)

    chair, table = (answer.places[f"/items/{n}/amount"]["bbox"] for n in (0, 1))
    assert chair[1] < table[1]


async def test_the_schema_and_the_pages_are_in_the_question_and_the_grammar_is_bounded() -> None:
    engine = RuleEngine(copies_items)

    await fill(engine, page_of(*INVOICE))

    (question,) = engine.questions
    assert json.dumps(SCHEMA, separators=(",", ":")) in asked(question)
    assert question.schema is not None
    assert question.schema["properties"]["items"]["items"]["properties"]["what"]["maxLength"] == 512


async def test_an_invented_leaf_is_marked_and_left_out_where_grounding_is_required() -> None:
    def invents(question: Question) -> str:
        return '{"number":"B99","items":[{"what":"Chair","amount":77777}]}'

    marked = await fill(RuleEngine(invents, chance=1.0), page_of(*INVOICE))
    required = await fill(
        RuleEngine(invents, chance=1.0), page_of(*INVOICE), grounding=Grounding.REQUIRED
    )

    assert marked.places["/items/0/amount"]["match"] == Match.NOT_FOUND
    assert marked.places["/items/0/amount"]["review"]
    assert required.data == {"items": [{"what": "Chair"}]}
    assert {warning.path for warning in required.warnings} == {"/number", "/items/0/amount"}
    assert "/number" in required.not_found


async def test_what_the_document_does_not_say_is_told() -> None:
    answer = await fill(
        RuleEngine(lambda _: '{"number":null,"items":[]}'), page_of("Nothing to see here")
    )

    assert set(answer.not_found) >= {"/number", "/paid", "/kind"}


async def test_pages_that_do_not_fit_together_are_asked_in_runs_and_joined() -> None:
    pages = [
        page_of("Invoice A17", "", f"Chair {n}2.50", *["filler words of the page"] * 30, number=n)
        for n in range(1, 5)
    ]
    engine = RuleEngine(copies_items, limit=1900)

    answer = await fill(engine, *pages)

    assert len(engine.questions) == 2
    assert [item["amount"] for item in answer.data["items"]] == [12.5, 22.5, 32.5, 42.5]
    assert answer.data["number"] == "A17"
    for leaf in ("what", "amount"):
        assert [answer.places[f"/items/{n}/{leaf}"]["page"] for n in range(4)] == [1, 2, 3, 4]


async def test_pages_that_say_different_things_are_told() -> None:
    filler = ["filler words of the page"] * 30
    pages = [
        page_of("Invoice A17", *filler),
        page_of("Invoice B18", *filler, number=2),
    ]

    answer = await fill(RuleEngine(copies_items, limit=1300), *pages)

    assert answer.data["number"] == "A17"
    assert [(one.code, one.path) for one in answer.warnings] == [("conflicting_values", "/number")]


async def test_a_page_that_does_not_fit_by_itself_is_refused_with_numbers() -> None:
    page = page_of(*["many words in each line of the page"] * 30, number=1)

    with pytest.raises(DocumentTooLong) as refused:
        await fill(RuleEngine(copies_items, limit=400), page)

    assert refused.value.page == 1
    assert refused.value.details["actual"] > refused.value.details["limit"] >= 0
    assert refused.value.status == 413


@pytest.mark.parametrize(
    "said",
    [
        "[]",
        "{}",
        '{"items":[{"amount":1}]}',
        '{"items":[],"more":1}',
        '{"items":[],"kind":"letter"}',
        '{"items":{"what":"x"}}',
        '{"items":[{"what":5}]}',
        "I cannot do that.",
    ],
)
async def test_an_answer_outside_the_schema_is_not_believed(said: str) -> None:
    with pytest.raises(OutputInvalid):
        await fill(RuleEngine(lambda _: said), page_of(*INVOICE))


async def test_an_answer_that_never_ends_is_an_error() -> None:
    with pytest.raises(OutputTruncated):
        await fill(RuleEngine(lambda _: '{"items":[' + '{"what":"x"},' * 9999), page_of(*INVOICE))


async def test_a_run_without_an_answer_makes_it_partial() -> None:
    filler = ["filler words of the page"] * 30
    pages = [page_of("Invoice A17", *filler), page_of("Lamp 3.50", *filler, number=2)]

    def fails_on_lamps(question: Question) -> str:
        return "no" if "Lamp" in asked(question) else copies_items(question)

    answer = await fill(RuleEngine(fails_on_lamps, limit=1300), *pages)

    assert answer.status is ExtractionStatus.PARTIAL
    assert [(one.code, one.page) for one in answer.warnings] == [("output_invalid", 2)]


async def test_a_schema_is_refused_before_the_document_is_read() -> None:
    engine = RuleEngine(copies_items)

    with pytest.raises(SchemaUnsupported):
        await fill(engine, schema={"type": "object", "patternProperties": {}})

    assert engine.questions == []
