"""The page behind the gateway, without its process: what is let through, and what is kept."""

import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from medley.testing import SampleExtraction
from medley_server.extraction_settings import ExtractionSettings
from medley_server.gateway import Gateway
from medley_server.page import WebPage, open_page
from medley_server.page.findings import Findings
from medley_server.page.front import ours
from medley_server.page.page_process import own_address
from medley_server.page.visits import IDLE_S, MOST, Visits, visit_name
from medley_server.service import Service
from medley_server.settings import ServeSettings

from tests.unit.server.conftest import not_vllm
from tests.unit.server.documents.conftest import Clock

TAB = {"x-medley-tab": "ab12"}


@pytest_asyncio.fixture
async def page(settings: ServeSettings) -> AsyncIterator[WebPage]:
    limits = ExtractionSettings(max_upload_bytes=10_000)
    async with open_page(replace(settings, extraction=limits)) as page:
        yield page


@pytest_asyncio.fixture
async def http(page: WebPage, service: Service) -> AsyncIterator[httpx.AsyncClient]:
    gateway = Gateway(
        not_vllm, service=service, api_keys=("root",), max_body_bytes=10_000, page=page
    )
    transport = httpx.ASGITransport(app=gateway)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as http:
        yield http


def kept(settings: ServeSettings) -> list[Path]:
    return [path for path in settings.page.rglob("*") if path.is_file()]


async def test_a_document_is_kept_without_its_name_until_it_is_forgotten(
    http: httpx.AsyncClient, settings: ServeSettings
) -> None:
    sure = TAB | {"authorization": "Bearer root"}

    sent = await http.post("/page/document", files={"file": ("Jane Doe.pdf", b"x")}, headers=sure)
    (document,) = kept(settings)
    forgotten = await http.delete("/page/document", headers=sure)

    assert (sent.status_code, forgotten.status_code) == (200, 200)
    assert document.name == "document"
    assert "Jane" not in str(document)
    assert kept(settings) == []


async def test_a_document_needs_a_key_and_keeps_to_the_limit(
    http: httpx.AsyncClient, settings: ServeSettings
) -> None:
    file = {"file": ("a", bytes(10_001))}

    keyless = await http.post("/page/document", files=file, headers=TAB)
    sure = TAB | {"authorization": "Bearer root"}
    too_long = await http.post("/page/document", files=file, headers=sure)

    assert keyless.status_code == 401
    assert (too_long.status_code, too_long.json()["error"]["code"]) == (413, "file_too_large")
    assert kept(settings) == []


async def test_what_another_site_can_send_does_nothing(
    http: httpx.AsyncClient, settings: ServeSettings
) -> None:
    bare = {"authorization": "Bearer root"}

    sent = await http.post("/page/document", files={"file": ("a", b"x")}, headers=bare)

    assert sent.status_code == 400
    assert kept(settings) == []


async def test_own_files_may_be_had_by_anybody_and_call_nobody(http: httpx.AsyncClient) -> None:
    for name in ("page.css", "page.js", "key.js"):
        answer = await http.get(f"/page/own/{name}")

        assert answer.status_code == 200
        assert "default-src 'self'" in answer.headers["content-security-policy"]
        assert "http://" not in answer.text
        assert "https://" not in answer.text


@pytest.mark.parametrize("path", ["own/none.js", "own/../web_page.py", "own/x.py"])
async def test_no_other_file_is_given(http: httpx.AsyncClient, path: str) -> None:
    assert (await http.get(f"/page/{path}")).status_code in (401, 404)


async def test_without_a_page_there_is_nothing_at_the_root(service: Service) -> None:
    gateway = Gateway(not_vllm, service=service, api_keys=(), max_body_bytes=10_000)
    transport = httpx.ASGITransport(app=gateway)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as http:
        assert (await http.get("/")).status_code == 404


def test_the_servers_process_imports_none_of_the_pages_parts() -> None:
    program = (
        "import sys, medley_server.page, medley_server.starting;"
        "print(*sorted(sys.modules.keys() & {'gradio', 'pandas', 'medley_server.page.layout'}))"
    )

    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert loaded.stdout.strip() == ""


def test_a_visitor_who_does_nothing_is_forgotten(tmp_path: Path) -> None:
    clock = Clock()
    visits = Visits(tmp_path / "page", clock=clock)
    for name in ("idle", "busy"):
        (tmp_path / name).write_bytes(b"x")
        visits.begin(name, tmp_path / name)

    clock.now += IDLE_S - 1
    visits.touch("busy")
    clock.now += 2
    visits.sweep()

    assert [path.name for path in visits.kept.iterdir()] == ["busy"]


def test_with_too_many_visitors_the_idlest_is_forgotten(tmp_path: Path) -> None:
    clock = Clock()
    visits = Visits(tmp_path / "page", clock=clock)
    for number in range(MOST + 1):
        clock.now += 1
        (tmp_path / "sent").write_bytes(b"x")
        visits.begin(str(number), tmp_path / "sent")

    assert {path.name for path in visits.kept.iterdir()} == {str(n) for n in range(1, MOST + 1)}


def test_nobody_has_the_visit_of_another() -> None:
    assert visit_name("ward 3", "ab") != visit_name("ward 4", "ab")
    assert visit_name("ward 3", "ab") != visit_name("ward 3", "cd")
    assert visit_name("a", "bc") != visit_name("ab", "c")


def test_what_was_read_goes_with_its_document(tmp_path: Path) -> None:
    findings = Findings(tmp_path)
    (tmp_path / "visit").mkdir()
    (tmp_path / "visit" / "document").write_bytes(b"x")
    found = [SampleExtraction.of_a_lab_panel().build()]

    findings.keep("visit", found)
    assert findings.of("visit") == found
    (tmp_path / "visit" / "document").unlink()

    assert findings.of("visit") == ()


def test_gradios_page_is_made_ours() -> None:
    html = (
        b'<head><base href="./" /><meta property="og:url" content="https://gradio.app/" />'
        b'<meta\n\t\tproperty="og:image"\n\t\tcontent="https://example.org/a.jpg"\n\t/></head>'
    )

    made = ours(html)

    assert b"https://" not in made
    assert b'<base href="page/" />' in made
    assert b"own/page.js" in made


@pytest.mark.parametrize(
    ("host", "flags", "address"),
    [
        ("127.0.0.1", (), "http://127.0.0.1:8000"),
        ("0.0.0.0", (), "http://127.0.0.1:8000"),
        ("::", (), "http://[::1]:8000"),
        ("10.0.0.7", ("--ssl-certfile", "a"), "https://10.0.0.7:8000"),
    ],
)
def test_the_page_reaches_its_own_server(
    settings: ServeSettings, host: str, flags: tuple[str, ...], address: str
) -> None:
    assert own_address(replace(settings, host=host, engine_flags=flags)) == address
