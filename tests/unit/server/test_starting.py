from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from medley_registry import NotARegistry, Registry, open_registry
from medley_server import starting
from medley_server.engine.fake import FakeEngine
from medley_server.errors import CannotStart
from medley_server.extraction_settings import ExtractionSettings
from medley_server.served_base import ServedBase
from medley_server.service import Service
from medley_server.settings import ServeSettings
from medley_server.stopping import Stopping

from tests.builders import TINY


@pytest.fixture(autouse=True)
def _no_logging(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("logging.basicConfig", lambda **_: None)


def test_an_address_others_can_reach_needs_a_key_of_the_registry_or_of_the_server(
    registry: Registry, settings: ServeSettings
) -> None:
    reachable = replace(settings, host="0.0.0.0", base="ghost")
    with pytest.raises(CannotStart, match="callers need keys"):
        starting.start(reachable)

    registry.access.add("app", scopes=["infer"], actor="t")
    with pytest.raises(CannotStart, match="no base ghost"):
        starting.start(reachable)


def test_the_tenants_registry_is_opened_and_no_other(
    registry: Registry, settings: ServeSettings
) -> None:
    with pytest.raises(NotARegistry, match="ward-3"):
        starting.start(replace(settings, tenant="ward-3"))


def test_blobs_may_be_elsewhere(settings: ServeSettings, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    with open_registry(tmp_path / "r", create=True, blobs=elsewhere):
        pass

    with pytest.raises(CannotStart, match="no base"):
        starting.start(
            replace(settings, registry=str(tmp_path / "r"), blobs=str(elsewhere), base="ghost")
        )


async def test_what_is_put_together_takes_documents_and_describes_itself(
    registry: Registry, settings: ServeSettings
) -> None:
    async def asked(*_: object) -> None:
        raise AssertionError("the engine was asked about a document that is none")

    base = ServedBase.as_it_is(registry.base(TINY))
    few = replace(settings, extraction=ExtractionSettings(ocr_workers=1, max_pages=7))
    async with starting.front(
        registry, base, few, FakeEngine(), asked, stopping=Stopping()
    ) as layer:
        transport = httpx.ASGITransport(app=layer(asked))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
            health = (await http.get("/health")).json()["extraction"]
            answer = await http.post("/v1/extract", files={"file": ("scan.pdf", b"PK\3\4 zip")})
            told = (await http.get("/v1/openapi.json")).json()["paths"]

    assert (health["ocr_workers"], health["limits"]["max_pages"]) == (1, 7)
    assert (answer.status_code, answer.json()["error"]["code"]) == (415, "unsupported_media_type")
    assert {"/v1/extract", "/v1/jobs", "/v1/adapters"} <= told.keys()


def test_health_names_the_tenant(registry: Registry, settings: ServeSettings) -> None:
    def health(settings: ServeSettings) -> dict[str, object]:
        service = Service(
            registry, ServedBase.as_it_is(registry.base(TINY)), FakeEngine(), settings
        )
        told: dict[str, object] = service.health()[1]["registry"]
        return told

    assert "tenant" not in health(settings)
    assert health(replace(settings, tenant="ward-3"))["tenant"] == "ward-3"
