"""The bench against a server that is none, and its rules on lines such as anybody would write."""

import json
from pathlib import Path

import pytest
from medley import AsyncClient
from medley.records import DocumentType
from medley.testing import FakeServer

from tests.bench.extraction_accuracy import kept, kept_file, report, run
from tests.bench.extraction_arms import ServerArm
from tests.bench.extraction_documents import Case, cases
from tests.bench.extraction_report import plot, table
from tests.bench.extraction_rules import rows_of_segment
from tests.bench.extraction_speed import one_page_cases, one_round

ARM = "documents:1"


def _wanted() -> list[Case]:
    return list(cases(2, document_types=[DocumentType.LAB_PANEL], levels=["pdf"], length="short"))


async def _run(server: FakeServer, out: Path) -> None:
    async with AsyncClient("http://server", transport=server.transport) as client:
        await run({ARM: ServerArm(client, ARM)}, _wanted(), out, 2)


async def test_documents_go_through_the_server_once_and_become_figures(tmp_path: Path) -> None:
    server = FakeServer()
    server.extracts()

    await _run(server, tmp_path)
    await _run(server, tmp_path)

    assert len(server.requests) == 2
    arms = report([ARM], _wanted(), tmp_path)
    metrics = arms[ARM]["levels"]["pdf"]["all"]["metrics"]
    assert metrics["failed"]["value"] == 0.0
    assert metrics["value_f1"]["value"] < 1.0  # it says the same of every document
    assert "documents:1  pdf    all" in table(arms)
    json.dumps(arms)
    accuracy, sure = plot(arms, tmp_path / "figures")
    assert "<svg" in accuracy.read_text("utf-8")
    assert "<svg" in sure.read_text("utf-8")


async def test_a_line_that_was_cut_off_is_asked_again(tmp_path: Path) -> None:
    server = FakeServer()
    server.extracts()
    await _run(server, tmp_path)
    path = kept_file(tmp_path, ARM)
    path.write_bytes(path.read_bytes()[:-40] + b"\n")

    await _run(server, tmp_path)

    assert len(server.requests) == 3
    assert len(kept(path)) == 2


async def test_a_refusal_is_kept_and_counts_as_nothing_found(tmp_path: Path) -> None:
    server = FakeServer()
    server.refuse("POST", "/v1/extract", status=502, code="output_invalid")

    await _run(server, tmp_path)

    metrics = report([ARM], _wanted(), tmp_path)[ARM]["levels"]["all"]["all"]["metrics"]
    assert metrics["failed"]["value"] == metrics["invalid_json"]["value"] == 1.0
    assert metrics["combined"]["value"] == 0.0


def test_answers_of_two_versions_are_not_mixed(tmp_path: Path) -> None:
    from medley.testing.sample_extraction import SampleExtraction

    one = SampleExtraction.of_a_lab_panel().build()
    with kept_file(tmp_path, ARM).open("w", encoding="utf-8") as file:
        for case, digest in zip(_wanted(), ("sha256:a", "sha256:b"), strict=True):
            model = one.model.model_copy(update={"adapter_digest": digest})
            extraction = one.model_copy(update={"model": model}).model_dump(mode="json")
            line = {"document": case.name, "took_s": 1.0, "extraction": extraction}
            file.write(json.dumps(line) + "\n")

    with pytest.raises(SystemExit, match="several versions"):
        report([ARM], _wanted(), tmp_path)


async def test_a_round_times_every_document(tmp_path: Path) -> None:
    server = FakeServer()
    server.extracts()
    (case,) = one_page_cases(1, "pdf")
    async with AsyncClient("http://server", transport=server.transport) as client:
        seconds, timed = await one_round(client, ARM, [case.file(tmp_path)] * 3, 2)

    assert len(timed) == 3
    assert seconds >= max(each.took_s for each in timed)


@pytest.mark.parametrize(
    ("heading", "text", "section", "row"),
    [
        (
            "Results",
            "Test: Potassium | Result: 5.9 | Unit: mmol/L | Reference: 3.5-5.1 | Flag: H",
            "labs",
            {
                "name": "Potassium",
                "value": "5.9",
                "unit": "mmol/L",
                "reference_range": "3.5-5.1",
                "flag": "H",
            },
        ),
        (
            "Medications",
            "- Metoprolol 50 mg by mouth twice daily as needed (held)",
            "medications",
            {
                "name": "Metoprolol",
                "dose": "50 mg",
                "route": "by mouth",
                "frequency": "twice daily",
                "prn": True,
                "status": "held",
            },
        ),
        (
            "Vital signs",
            "0600: BP 120/80 mmHg",
            "vitals",
            {"name": "BP", "value": "120/80", "unit": "mmHg", "taken_at": "0600"},
        ),
        (
            "Diagnoses",
            "- No evidence of pneumonia (J18.9)",
            "diagnoses",
            {"name": "pneumonia", "code": "J18.9", "assertion": "absent"},
        ),
        (
            "Procedures",
            "Knee arthroscopy, left, 2024-03-15",
            "procedures",
            {"name": "Knee arthroscopy", "laterality": "left", "performed_on": "2024-03-15"},
        ),
    ],
)
def test_rules_read_a_line(
    heading: str, text: str, section: str, row: dict[str, str | bool]
) -> None:
    assert rows_of_segment(heading, text) == {section: [row]}


@pytest.mark.parametrize(
    "text", ["Patient: Doe, Jane    MRN: 1234567", "Page 1", "Medications", "Test | Result | Unit"]
)
def test_rules_find_nothing_where_nothing_is_said(text: str) -> None:
    assert rows_of_segment("Results", text) == {}
