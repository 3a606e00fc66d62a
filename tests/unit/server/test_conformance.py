"""Our OpenAPI document against the server: whatever it allows, and what it does not."""

import asyncio
import base64
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from medley.reading import Readers
from medley_registry import Registry, Version
from medley_server.document_app import create_document_app
from medley_server.document_uploads import DocumentUploads
from medley_server.engine.fake import FakeEngine
from medley_server.extraction.asking import Asking
from medley_server.extraction.pipeline import Pipeline
from medley_server.extraction_settings import ExtractionSettings
from medley_server.gateway import Documents, Gateway
from medley_server.jobs.opening import INCOMING, open_desk
from medley_server.openapi import describe_together
from medley_server.registry_app import create_registry_app
from medley_server.service import Service
from medley_server.settings import ServeSettings
from requests import Request as Sent
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.unit.clients.reading.specimens import text_pdf
from tests.unit.server.conftest import not_vllm
from tests.unit.server.extraction.rule_engine import OneModel, RuleEngine, copied_labs

pytestmark = pytest.mark.slow

HOST = "http://127.0.0.1:8000"
KEY = {"authorization": "Bearer root"}
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
DOCUMENT = text_pdf()
EXAMPLES = 6
"""Of each operation, with what it takes and again with what it does not."""

Ask = Callable[[httpx.Request], httpx.Response]


@asynccontextmanager
async def served(
    registry: Registry, service: Service, engine: FakeEngine, serving: ServeSettings
) -> AsyncIterator[Gateway]:
    """The whole front over documents that are truly read, and an engine of rules."""
    limits = ExtractionSettings(max_upload_bytes=100_000, ocr_workers=1, waiting=1000)
    async with Readers(1) as readers:
        extractor = Pipeline(readers, Asking(RuleEngine(copied_labs)), OneModel())
        async with open_desk(serving.jobs, extractor, limits) as desk:
            uploads = DocumentUploads(serving.jobs / INCOMING, limit_bytes=limits.max_upload_bytes)
            documents = create_document_app(desk, extractor, uploads, limits)
            face = create_registry_app(registry, uploads=serving.uploads)
            describe_together(face, documents)
            yield Gateway(
                not_vllm,
                service=service,
                api_keys=("root",),
                max_body_bytes=serving.max_body_bytes,
                registry_app=face,
                documents=Documents(documents, lambda: desk.turns.row),
            )


@pytest.fixture
def ask(
    registry: Registry,
    versions: list[Version],
    service: Service,
    engine: FakeEngine,
    settings: ServeSettings,
) -> Iterator[Ask]:
    """Sends one request to the front, which lives as long as the test."""
    with asyncio.Runner() as runner:
        opened = served(registry, service, engine, settings)
        gateway = runner.run(opened.__aenter__())

        async def send(request: httpx.Request) -> httpx.Response:
            transport = httpx.ASGITransport(app=gateway)
            async with httpx.AsyncClient(transport=transport) as http:
                return await http.send(request)

        yield lambda request: runner.run(send(request))
        runner.run(opened.__aexit__(None, None, None))


KNOWN = {
    "name": ["note", "note", "note", "ghost"],
    "alias": ["production", "production", "canary"],
    "selector": ["1", "2", "production", "nothing"],
    "path": ["adapter_config.json", "adapter_model.safetensors", "README.md"],
}
"""What there is on this server, so that answers are not all 404."""


def sent(case: Any, number: int) -> httpx.Request:
    """A case as it goes over the wire: most about what there is, half with a document."""
    for name in case.path_parameters if number % 4 else ():
        if name in KNOWN:
            case.path_parameters[name] = KNOWN[name][number % len(KNOWN[name])]
        elif name == "number":
            case.path_parameters[name] = 1 + number % 2
    if isinstance(case.body, dict) and "file" in case.body and number % 2:
        is_form = case.media_type == "multipart/form-data"
        case.body["file"] = DOCUMENT if is_form else base64.b64encode(DOCUMENT).decode()
    made = Sent(**case.as_transport_kwargs(base_url=HOST, headers=KEY)).prepare()
    assert made.method is not None
    assert made.url is not None
    headers = {name: str(value) for name, value in made.headers.items()}
    body: Any = made.body
    return httpx.Request(made.method, made.url, headers=headers, content=body)


def faults_of(ask: Ask, operation: Any, mode: GenerationMode, told: Counter[str]) -> list[str]:
    """Where answers of one operation are not as it is described; they are counted by status."""
    faults: list[str] = []
    numbers = count(1)

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy(generation_mode=mode))
    def conforms(case: Any) -> None:
        answer = ask(sent(case, next(numbers)))
        told[f"{answer.status_code // 100}xx"] += 1
        try:
            case.validate_response(answer, checks=CHECKS)
        except FailureGroup as failures:
            faults.extend(f"{operation.label}: {one}" for one in failures.exceptions)

    conforms()
    return faults


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_every_answer_is_one_that_the_document_describes(ask: Ask, mode: GenerationMode) -> None:
    described = ask(httpx.Request("GET", f"{HOST}/v1/openapi.json", headers=KEY)).json()
    schema = schemathesis.openapi.from_dict(described)
    told: Counter[str] = Counter()
    faults: list[str] = []
    for result in schema.get_all_operations():
        assert isinstance(result, Ok)
        operation = result.ok()
        if mode is GenerationMode.POSITIVE or operation.body or operation.query:
            faults += faults_of(ask, operation, mode, told)

    assert not faults, "\n\n".join(faults[:20])
    assert told["4xx"] > EXAMPLES
    assert mode is GenerationMode.NEGATIVE or told["2xx"] > 4 * EXAMPLES


def test_an_answer_that_is_not_as_described_would_be_seen(ask: Ask) -> None:
    described = ask(httpx.Request("GET", f"{HOST}/v1/openapi.json", headers=KEY)).json()
    described["components"]["schemas"]["AdapterList"]["required"].append("ghosts")
    operation = schemathesis.openapi.from_dict(described)["/v1/adapters"]["GET"]

    faults = faults_of(ask, operation, GenerationMode.POSITIVE, Counter())

    assert "ghosts" in faults[0]
