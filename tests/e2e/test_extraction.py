"""Documents through the whole path: file, words, questions to a real engine, values with boxes.

How well the adapter extracts is measured (tests.bench.extraction_accuracy); here a page that it
reads nearly without a fault shows that the whole path holds, and others that it holds whatever a
model answers.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import httpx
import pypdfium2
import pytest
from medley import Client
from medley.results import Extraction, ExtractionStatus, FoundRow, Match
from medley_server.demo.scanned_page import MEDICATION_REVIEW, READ_FROM
from pydantic import BaseModel
from reportlab.pdfgen.canvas import Canvas

from tests.e2e.conftest import RunningServer

pytestmark = pytest.mark.e2e

LINES = ("Laboratory Results", "Sodium 139 mmol/L", "Potassium 5.9 mmol/L H")
SERVED = "smollm2-135m-instruct"
PATIENCE_S = 180


def pdf(*pages: tuple[str, ...]) -> bytes:
    out = BytesIO()
    canvas = Canvas(out, pagesize=(420, 300))
    for lines in pages:
        canvas.setFont("Helvetica", 14)
        for number, line in enumerate(lines):
            canvas.drawString(40, 250 - 30 * number, line)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def scan() -> bytes:
    out = BytesIO()
    with pypdfium2.PdfDocument(pdf(LINES)) as document:
        document[0].render(scale=150 / 72).to_pil().convert("L").save(out, format="PNG")
    return out.getvalue()


@pytest.fixture(scope="module")
def client(server: RunningServer) -> Iterator[Client]:
    with Client(server.process.url) as opened:
        yield opened


def test_a_scan_is_read_by_production_where_nobody_says_who_is_to_read_it(client: Client) -> None:
    found = client.extract(MEDICATION_REVIEW.picture)

    right, of = MEDICATION_REVIEW.values_right(found)
    assert right >= READ_FROM * of
    assert found.model.adapter == "documents:1"


def test_tokens_of_a_document_count_for_the_version_that_read_it(
    client: Client, server: RunningServer
) -> None:
    def told() -> float:
        lines = httpx.get(f"{server.process.url}/metrics").text.splitlines()
        of = 'medley_completion_tokens_total{adapter="triage-note",version="triage-note:1"}'
        return sum(float(line.split()[-1]) for line in lines if line.startswith(of))

    before = told()
    found = client.extract(pdf(LINES), adapter="triage-note:1")

    assert told() - before == found.usage.output_tokens


def values(extraction: Extraction) -> list[tuple[Match, object]]:
    assert extraction.record is not None
    rows: list[FoundRow] = [
        row for _, rows in extraction.record for row in rows if isinstance(row, FoundRow)
    ]
    return [(row.name.match, row.name.bbox) for row in rows]


def test_every_page_is_accounted_for_and_every_value_has_its_place_or_is_not_found(
    client: Client,
) -> None:
    found = client.extract(pdf(LINES, ()), adapter=SERVED)

    assert [page.status for page in found.document.pages] == ["read", "blank"]
    assert (found.document.pages_in, found.document.pages_processed) == (2, 2)
    assert found.status in (ExtractionStatus.SUCCEEDED, ExtractionStatus.PARTIAL)
    assert found.model.base == SERVED
    assert found.model.adapter is None
    assert found.usage.output_tokens > 0
    for match, box in values(found):
        assert (box is None) == (match is Match.NOT_FOUND)


def test_a_scanned_page_is_answered_by_the_version_that_was_asked_for(client: Client) -> None:
    found = client.extract(scan(), adapter="triage-note:1", outputs=("record", "text", "fhir"))

    assert found.model.adapter == "triage-note:1"
    assert found.model.adapter_digest
    assert not found.document.pages[0].text_layer
    assert found.text is not None
    assert "Potassium" in found.text
    assert found.fhir is not None
    assert found.fhir["resourceType"] == "Bundle"


class Report(BaseModel):
    title: str
    is_urgent: bool


def test_the_callers_own_schema_is_kept_to(client: Client) -> None:
    found = client.extract(pdf(LINES), schema=Report)

    assert isinstance(found.data_as(Report), Report)
    assert found.record is None


def test_a_job_can_be_polled_for(client: Client) -> None:
    job = client.extract(pdf(LINES), schema=Report, mode="async", wait=False)
    done = client.jobs.wait(job.id)

    assert done.document.pages_in == 1
    assert client.jobs.get(job.id).result == done


def test_a_document_can_be_talked_about_in_a_stream(client: Client) -> None:
    with client.analyze(pdf(LINES), "Which test is flagged?", stream=True, max_tokens=12) as stream:
        text = "".join(stream)

    assert text.strip()


def test_the_command_reads_a_file(server: RunningServer, tmp_path: Path) -> None:
    path = tmp_path / "page.pdf"
    path.write_bytes(pdf(LINES))
    schema = tmp_path / "schema.json"
    schema.write_text(json.dumps(Report.model_json_schema()))
    command = [sys.executable, "-m", "medley.cli", "extract", str(path)]

    done = subprocess.run(
        [*command, "--server", server.process.url, "--out", "json", "--schema", str(schema)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode in (0, 1), done.stderr
    assert Extraction.model_validate_json(done.stdout).document.pages_in == 1


def test_the_page_in_the_browser_starts_when_somebody_looks(server: RunningServer) -> None:
    def look() -> httpx.Response:
        return httpx.get(server.process.url)

    until = time.monotonic() + PATIENCE_S
    while (page := look()).status_code == 503 and time.monotonic() < until:
        assert "is starting" in page.text
        time.sleep(0.5)

    assert page.status_code == 200
    assert "Medley" in page.text
