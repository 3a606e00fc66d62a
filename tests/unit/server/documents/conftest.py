"""A server that takes documents: the whole front, over an extractor of lines."""

import asyncio
import json
import os
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from medley.results import Job
from medley_registry import Registry, open_registry
from medley_server.document_app import create_document_app
from medley_server.document_uploads import DocumentUploads
from medley_server.engine.fake import FakeEngine
from medley_server.extraction_settings import ExtractionSettings
from medley_server.gateway import Documents, Gateway
from medley_server.jobs import JobDesk
from medley_server.jobs.callbacks import Callbacks
from medley_server.jobs.opening import INCOMING, open_desk
from medley_server.limits.table import Limits
from medley_server.served_base import ServedBase
from medley_server.service import Service
from medley_server.settings import ServeSettings

from tests.builders import TINY
from tests.unit.server.conftest import not_vllm
from tests.unit.server.documents.extractor import LineExtractor

PAGES = b"Potassium 5.9\nSodium 140\n"


class Clock:
    """A clock that only moves when told to."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass(kw_only=True)
class Front:
    """A running server."""

    gateway: Gateway
    desk: JobDesk
    folder: Path
    http: httpx.AsyncClient
    asked: list[str] = field(default_factory=list)

    async def extract(
        self, document: bytes = PAGES, *, headers: dict[str, str] | None = None, **options: Any
    ) -> httpx.Response:
        """A form, as most callers send it."""
        files = {"file": ("scan.pdf", document)}
        return await self.http.post("/v1/extract", files=files, data=options, headers=headers)

    def files(self) -> set[str]:
        """What is left of documents on the disk, but the store itself."""
        # os.walk, unlike rglob, does not mind folders that go meanwhile.
        found = (Path(place, name) for place, _, names in os.walk(self.folder) for name in names)
        return {
            str(path.relative_to(self.folder))
            for path in found
            if not path.name.startswith(("jobs.db", "lock"))
        }


Open = Callable[..., AbstractAsyncContextManager[Front]]


@pytest.fixture
def extractor() -> LineExtractor:
    return LineExtractor()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def registry(bare: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """One for all tests of documents: they only give out keys."""
    folder = tmp_path_factory.mktemp("documents")
    shutil.copytree(bare, folder, dirs_exist_ok=True)
    with open_registry(folder / "registry") as registry:
        yield registry


@pytest.fixture
def service(registry: Registry, engine: FakeEngine, settings: ServeSettings) -> Service:
    return Service(registry, ServedBase.as_it_is(registry.base(TINY)), engine, settings)


@pytest.fixture
def open_front(
    service: Service, settings: ServeSettings, extractor: LineExtractor, clock: Clock
) -> Open:
    """Starts servers on the same folder, one after the other."""

    usual = service

    @asynccontextmanager
    async def opened(
        *,
        service: Service = usual,
        callbacks: Callbacks | None = None,
        api_keys: tuple[str, ...] = ("root",),
        of_keys: Limits | None = None,
        **limits: Any,
    ) -> AsyncIterator[Front]:
        extraction = replace(ExtractionSettings(max_upload_bytes=10_000), **limits)
        desk_opened = open_desk(
            settings.jobs, extractor, extraction, callbacks=callbacks, clock=clock
        )
        async with desk_opened as desk:
            uploads = DocumentUploads(
                settings.jobs / INCOMING, limit_bytes=extraction.max_upload_bytes
            )
            app = create_document_app(desk, extractor, uploads, extraction)
            gateway = Gateway(
                not_vllm,
                service=service,
                api_keys=api_keys,
                max_body_bytes=settings.max_body_bytes,
                documents=Documents(app, lambda: desk.turns.row),
                limits=of_keys,
            )
            async with httpx.AsyncClient(
                transport=httpx.ASGITransport(app=gateway),
                base_url="http://127.0.0.1:8000",
                headers={"authorization": "Bearer root"},
            ) as http:
                yield Front(gateway=gateway, desk=desk, folder=settings.jobs, http=http)

    return opened


@pytest_asyncio.fixture
async def front(open_front: Open) -> AsyncIterator[Front]:
    async with open_front() as front:
        yield front


@dataclass
class Line:
    """A connection on which the caller may hang up."""

    gateway: Gateway
    key: str | None = None
    authorization: str = "Bearer root"
    messages: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.left = asyncio.Event()

    async def post(self, path: str, fields: dict[str, Any], *, body: bytes | None = None) -> None:
        """Sends JSON (only the beginning of it, if `body` is given) and listens until hung up."""
        content = json.dumps(fields).encode() if body is None else body
        pending = [{"type": "http.request", "body": content, "more_body": body is not None}]

        async def receive() -> Any:
            if pending:
                return pending.pop()
            await self.left.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            self.messages.append(message)

        headers = [
            (b"authorization", self.authorization.encode()),
            (b"content-type", b"application/json"),
        ]
        if self.key is not None:
            headers.append((b"idempotency-key", self.key.encode()))
        scope = {"type": "http", "method": "POST", "path": path, "headers": headers}
        whole = {**scope, "query_string": b"", "http_version": "1.1", "root_path": ""}
        await self.gateway(whole, receive, send)


async def eventually(holds: Callable[[], bool]) -> None:
    """Waits for what must come."""
    async with asyncio.timeout(60):
        while not holds():
            await asyncio.sleep(0.005)


async def finished(front: Front, job_id: str) -> Job:
    """A job once it is over."""
    async with asyncio.timeout(60):
        while True:
            job = Job.model_validate_json((await front.http.get(f"/v1/jobs/{job_id}")).content)
            if job.status.is_final:
                return job
