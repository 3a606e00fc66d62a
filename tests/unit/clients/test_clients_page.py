"""The examples of docs/clients.md run as they are printed, against a fake."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from medley.testing import FakeServer, Reply, SampleExtraction, SentRequest
from medley_registry import Lineage, make_key

from tests.builders import make_adapter

PAGE = (Path(__file__).parents[3] / "docs" / "clients.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```python\n(.*?)^```", PAGE, flags=re.DOTALL | re.MULTILINE)


def example(first: str) -> str:
    """The one example with this in it."""
    (found,) = [str(text) for text in EXAMPLES if first in text]
    return found


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeServer]:
    """A fake where the examples look for a server, and the files that they name."""
    monkeypatch.chdir(tmp_path)
    for name in ("scan.pdf", "invoice.png", "archive.tiff", "a.pdf", "b.pdf"):
        Path(name).write_bytes(b"x")
    server = FakeServer()
    with server.listening() as url:
        monkeypatch.setenv("MEDLEY_URL", url)
        monkeypatch.setattr("tests.unit.clients.test_clients_page.URL", url)
        yield server


URL = ""


def run(text: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(text.replace("http://127.0.0.1:8000", URL).replace("mdl_…", "mdl_"), names)
    return names


def test_a_document_is_read(server: FakeServer, capsys: pytest.CaptureFixture[str]) -> None:
    server.extracts()

    run(example("BlankDocument"))

    shown = capsys.readouterr().out.splitlines()
    assert shown[1].startswith("Potassium 5.9 1 (")
    assert shown[-1] == "documents:1"
    server.refuse("POST", "/v1/extract", status=422, code="blank_document", page=1)
    with pytest.raises(SystemExit, match=r"scan\.pdf, page 1: blank document"):
        run(example("BlankDocument"))


def test_a_schema_of_ones_own_gives_typed_data(
    server: FakeServer, capsys: pytest.CaptureFixture[str]
) -> None:
    data = {"number": "A7", "total": 12.5}
    extraction = SampleExtraction("auto").data(data).build()
    place = {"value": "12.5", "text": "12.50", "page": 1, "match": "exact"}
    server.extracts(extraction.model_copy(update={"places": {"/total": place}}))

    run("from medley import Client\n" + example("class Invoice"))

    assert capsys.readouterr().out == "12.5 1\n"


def test_a_job_is_waited_for(server: FakeServer, capsys: pytest.CaptureFixture[str]) -> None:
    server.extracts(after=1)

    names = run("from medley import Client\n" + example("StillRunning"))

    assert names["extraction"].record.labs
    assert capsys.readouterr().out == "0\n1\n"


def test_a_version_answers(server: FakeServer, capsys: pytest.CaptureFixture[str]) -> None:
    server.chats("Rest.", model="triage-note:1")

    run("from medley import Client\n" + example('client.chat("I have'))

    first, second = capsys.readouterr().out.splitlines()
    assert first == f"Rest. triage-note:1 sha256:{'0' * 64} 1"
    assert second == "Rest.triage-note:1"


def test_many_are_read_beside_one_another(
    server: FakeServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.extracts()
    server.analyzes("Not urgent.")

    assert len(run(example("AsyncClient"))["extractions"]) == 2
    assert capsys.readouterr().out == "Not urgent."


def test_an_adapter_is_published(server: FakeServer, capsys: pytest.CaptureFixture[str]) -> None:
    from medley.transfer import manifest_of

    make_adapter(Path("out"), fill=3)
    make_key(Path("signing-key.pem"))
    manifest = manifest_of(Path("out"))
    files = [
        {"path": f.path, "size": f.size, "sha256": f.sha256.hex, "media_type": f.media_type}
        for f in manifest.files
    ]
    version = {
        "adapter": "triage-note", "number": 2, "digest": str(manifest.digest), "base": "b",
        "base_id": "sha256:" + "0" * 64, "rank": 1, "alpha": 1.0, "target_modules": [],
        "round": 2, "state": "admitted", "note": "", "published_by": "t",
        "created_at": "2026-11-21T08:46:53.000000Z", "files": files, "lineage": {},
    }  # fmt: skip
    root = "/v1/adapters/triage-note"

    def take(request: SentRequest) -> Reply:
        assert request.fields["round"] == "2"
        assert json.loads(request.fields["bundle"])
        return Reply({**version, "lineage": Lineage().to_json()})

    server.respond("POST", f"{root}/versions", take)
    server.refuse(
        "PUT", f"{root}/aliases/production", status=409, code="alias_protected", unmet=["f1"]
    )

    run(example("AliasProtected"))

    assert capsys.readouterr().out == "('f1',)\n"


def test_the_fake_does_what_the_page_says() -> None:
    names = run(example("SampleExtraction"))

    assert [sent.path for sent in names["server"].requests] == [
        "/v1/extract",
        "/v1/chat/completions",
    ]


def test_every_example_of_the_sdk_is_run_here() -> None:
    known = ["BlankDocument", "class Invoice", "StillRunning", "client.chat(", "AsyncClient"]
    known += ["AliasProtected", "SampleExtraction", "from openai import"]

    assert all(any(mark in text for mark in known) for text in EXAMPLES)
