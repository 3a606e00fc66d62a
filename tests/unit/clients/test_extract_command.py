"""`medley extract` as a shell sees it."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from medley.results import Extraction
from medley.testing import FakeServer, SampleExtraction
from medley.testing.fake_server import Reply
from medley.testing.sent_request import SentRequest

from tests.unit.clients.command import Start, run, start

__all__ = ["start"]  # pytest finds fixtures by their names here

SAMPLE = SampleExtraction.of_a_lab_panel().build()


@pytest.fixture
def server() -> FakeServer:
    return FakeServer()


@pytest.fixture
def url(server: FakeServer) -> Iterator[str]:
    with server.listening() as url:
        yield url


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    path = tmp_path / "scan.pdf"
    path.write_bytes(b"%PDF-1")
    return path


def by_content(**answers: Extraction | int) -> FakeServer:
    """Answers each document by what it holds: an extraction, or a refusal of that status."""

    def respond(request: SentRequest) -> Reply:
        answer = answers[request.files["file"].decode()]
        if isinstance(answer, Extraction):
            return Reply(answer.model_dump(mode="json"))
        error = {"message": "it is locked", "code": "encrypted_document", "page": 2}
        return Reply({"error": error}, status=answer, headers={"x-request-id": "r-9"})

    server = FakeServer()
    server.respond("POST", "/v1/extract", respond)
    return server


def test_a_page_is_shown_as_text_with_its_values_marked(
    server: FakeServer, url: str, scan: Path
) -> None:
    server.extracts(SAMPLE)

    done = run("extract", scan, "--server", url)

    assert (done.exit_code, done.stderr) == (0, "")
    assert "scan.pdf · lab_panel · 1 of 1 pages · succeeded · by documents:1" in done.stdout
    assert "[Potassium] | [5.9] | [mmol/L] | [3.5-5.1] | [H]" in done.stdout
    assert "[Creatinine]! | [88]! | [umol/L]!" in done.stdout
    assert "[value]! to be reviewed" in done.stdout
    row = next(line.split() for line in done.stdout.splitlines() if "labs[2].value" in line)
    assert row == ["labs[2].value", "88", "1", "0.41", "exact", "review"]
    assert server.requests[0].fields["outputs"] == "record,text"


def test_on_a_terminal_trust_has_colours_and_the_wait_is_shown(
    server: FakeServer, url: str, scan: Path, start: Start
) -> None:
    server.extracts(SAMPLE, after=8)

    terminal = start("extract", scan, "--server", url, "--async")

    assert terminal.end() == 0
    assert "\x1b[32m[5.9]" in terminal.shown
    assert "\x1b[1;31m[88]!" in terminal.shown
    assert "0 of 1 pages" in terminal.shown
    assert server.requests[0].fields["mode"] == "async"


def test_no_colour_is_used_where_none_is_wanted(
    server: FakeServer, url: str, scan: Path, monkeypatch: pytest.MonkeyPatch, start: Start
) -> None:
    server.extracts(SAMPLE)
    monkeypatch.setenv("NO_COLOR", "1")

    terminal = start("extract", scan, "--server", url)

    assert terminal.end() == 0
    assert "\x1b[32m" not in terminal.shown
    assert "[88]!" in terminal.shown


def test_every_option_reaches_the_server(server: FakeServer, url: str, scan: Path) -> None:
    server.extracts(SAMPLE)
    schema = scan.with_name("schema.json")
    schema.write_text('{"type": "object"}')
    words: list[object] = [
        "--type",
        "lab_panel",
        "--adapter",
        "documents:3",
        "--pages",
        "1-2",
        "--out",
        "json",
    ]
    words += ["--min-confidence", "0.7", "--schema", schema, "--api-key-env", "WARD_KEY"]

    done = run("extract", scan, "--server", url, *words, WARD_KEY="secret")

    assert json.loads(done.stdout) == SAMPLE.model_dump(mode="json")
    assert server.requests[0].headers["authorization"] == "Bearer secret"
    assert server.requests[0].fields == {
        "document_type": "lab_panel",
        "adapter": "documents:3",
        "pages": "1-2",
        "outputs": "record",
        "confidence_min": "0.7",
        "schema": '{"type": "object"}',
    }


def test_fhir_and_text_are_printed_as_they_are(server: FakeServer, url: str, scan: Path) -> None:
    bundle = {"resourceType": "Bundle"}
    server.extracts(SAMPLE.model_copy(update={"fhir": bundle}))

    fhir = run("extract", scan, "--server", url, "--out", "fhir")
    text = run("extract", scan, "--server", url, "--out", "text")

    assert json.loads(fhir.stdout) == bundle
    assert text.stdout == f"{SAMPLE.text}\n"
    assert [sent.fields["outputs"] for sent in server.requests] == ["fhir,record", "text"]


def test_a_document_may_come_on_stdin(server: FakeServer, url: str) -> None:
    server.extracts(SAMPLE)

    done = run("extract", "-", "--server", url, typed="%PDF-2")

    assert done.exit_code == 0
    assert done.stdout.startswith("stdin · ")
    assert server.requests[0].files == {"file": b"%PDF-2"}


def test_many_documents_come_in_order_and_one_that_fails_stops_no_other(tmp_path: Path) -> None:
    files = []
    for name in ("a", "b", "c"):
        files.append(tmp_path / f"{name}.pdf")
        files[-1].write_text(name)
    server = by_content(a=SAMPLE, b=422, c=SAMPLE)

    with server.listening() as url:
        done = run("extract", *files, "--server", url, "--out", "json", "--at-once", "2")

    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["file"] for line in lines] == ["a.pdf", "b.pdf", "c.pdf"]
    assert lines[1]["error"]["message"] == "it is locked"
    assert done.exit_code == 1
    assert done.stderr.splitlines() == [
        "error: b.pdf: it is locked (encrypted_document, page 2, request r-9)",
        "3 documents: 2 succeeded, 1 failed",
    ]


def test_a_partial_extraction_is_no_success(server: FakeServer, url: str, scan: Path) -> None:
    sample = SampleExtraction(pages=3).lab("Na", "139").failed_page(3, "its image is damaged")
    server.extracts(sample.build())

    done = run("extract", scan, "--server", url)

    assert done.exit_code == 1
    assert done.stderr == "warning: scan.pdf: partial: 2 of 3 pages were read\n"
    assert "page 3 is failed: its image is damaged" in done.stdout
    assert "— page 2, blank —" in done.stdout


def test_answers_are_kept_in_a_folder_under_names_of_their_own(
    server: FakeServer, url: str, scan: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other" / "scan.pdf"
    other.parent.mkdir()
    other.write_bytes(b"%PDF-2")
    server.extracts(SAMPLE)

    done = run("extract", scan, other, "--server", url, "--save", tmp_path / "out")

    assert (done.exit_code, done.stdout) == (0, "")
    kept = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert kept == ["scan.pdf-2.json", "scan.pdf.json"]
    assert json.loads((tmp_path / "out" / kept[0]).read_text()) == SAMPLE.model_dump(mode="json")


def test_nothing_in_a_document_acts_on_the_terminal(
    server: FakeServer, url: str, scan: Path
) -> None:
    sample = SampleExtraction().line(1, "\x1b[2J[bold]x[/bold]").lab("K\x1b]0;own\x07", "5.9")
    sample.warning("odd", "line\nforged\x1b[1m")
    server.extracts(sample.build())

    for form in ("table", "text", "json"):
        shown = run("extract", scan, "--server", url, "--out", form).stdout
        assert "\x1b" not in shown
        assert "\x07" not in shown
        assert "\nforged" not in shown
    assert "[bold]x[/bold]" in shown


def test_what_a_schema_of_ones_own_asked_for_is_shown(
    server: FakeServer, url: str, scan: Path
) -> None:
    place = {"value": "12.50", "text": "12,50", "page": 1, "match": "normalized", "confidence": 0.9}
    extraction = SampleExtraction("auto").line(1, "Total 12,50 EUR").data({"total": "12.50"})
    found = extraction.build().model_copy(update={"places": {"/total": place}})
    server.extracts(found)

    done = run("extract", scan, "--server", url)

    assert "Total [12,50] EUR" in done.stdout
    assert "/total  12.50  12,50" in done.stdout


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["none.pdf"], "does not exist"),
        ([], "Missing argument"),
        (["scan.pdf", "--out", "xml"], "xml"),
        (["scan.pdf", "--schema", "scan.pdf"], "not JSON"),
        (["scan.pdf", "--schema", "list.json"], "no JSON object"),
        (["scan.pdf", "--min-confidence", "2"], "0<=x<=1"),
        (["scan.pdf", "--api-key-env", "NO_SUCH_VARIABLE"], "is not set"),
        (["scan.pdf", "--at-once", "0"], "1<=x<=64"),
    ],
)
def test_wrong_usage_is_exit_code_2(
    scan: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], told: str
) -> None:
    monkeypatch.chdir(scan.parent)
    Path("list.json").write_text("[]")

    done = run("extract", *words)

    assert (done.exit_code, done.stdout) == (2, "")
    assert told in done.stderr


def test_no_server_is_one_line_and_exit_code_1(scan: Path) -> None:
    done = run("extract", scan, "--server", "http://127.0.0.1:9")

    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith("error: scan.pdf: no connection to http://127.0.0.1:9")
    assert done.stderr.count("\n") == 1


def test_an_interrupt_cancels_the_job_and_ends_quietly(
    server: FakeServer, url: str, scan: Path, start: Start
) -> None:
    server.extracts(SAMPLE, after=100_000)

    terminal = start("extract", scan, "--server", url, "--async")
    terminal.wait_for("0 of 1 pages")
    terminal.process.send_signal(signal.SIGINT)

    assert terminal.end() == 130
    assert "Traceback" not in terminal.shown
    assert server.requests[-1].method == "DELETE"


def test_help_has_examples_that_fit_80_columns() -> None:
    for command in ("extract", "chat"):
        lines = run(command, "--help", COLUMNS="80").stdout.splitlines()

        assert any(line.strip() == "Examples:" for line in lines)
        assert max(map(len, lines)) <= 80
