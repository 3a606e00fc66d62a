"""Extraction put together: processes that read, the engine that is asked, jobs, and routes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from medley_server.document_app import create_document_app
from medley_server.document_uploads import DocumentUploads
from medley_server.engine.port import Engine
from medley_server.extraction.asking import Asking
from medley_server.extraction.completer import AppCompleter
from medley_server.extraction.in_turn import InTurn, OnTokens
from medley_server.extraction.pipeline import Pipeline
from medley_server.extraction.port import Extractor
from medley_server.extraction.resized_image import Eye
from medley_server.extraction.served_models import ServedModels
from medley_server.gateway import Documents
from medley_server.jobs.opening import INCOMING, open_desk
from medley_server.served_base import ServedBase
from medley_server.service import Service
from medley_server.settings import ServeSettings

if TYPE_CHECKING:
    from medley.reading import Readers
    from starlette.types import ASGIApp


@asynccontextmanager
async def open_documents(
    settings: ServeSettings,
    service: Service,
    base: ServedBase,
    engine: Engine,
    app: "ASGIApp",
    *,
    on_tokens: OnTokens,
) -> AsyncIterator[Documents]:
    """Extraction on an engine; `app` is vLLM's without a layer of ours; for `on_tokens` see there.

    Raises:
        CannotStart: documents cannot be kept where they should be.
    """
    from medley.reading import Budget, Readers

    limits = settings.extraction
    budget = Budget(max_bytes=limits.max_upload_bytes, max_pages=limits.max_pages)
    async with Readers(limits.ocr_workers, budget=budget) as readers:
        completer = AppCompleter(app, is_alive=lambda: engine.is_healthy)
        asking = Asking(InTurn(completer, service.admission, on_tokens))
        extractor = await asyncio.to_thread(_pipeline, readers, asking, service, base, engine)
        async with open_desk(settings.jobs, extractor, limits) as desk:
            uploads = DocumentUploads(settings.jobs / INCOMING, limit_bytes=limits.max_upload_bytes)

            def health() -> dict[str, Any]:
                return {**desk.turns.row, "ocr_workers": readers.workers, "limits": limits.rows}

            yield Documents(create_document_app(desk, extractor, uploads, limits), health)


def _pipeline(
    readers: "Readers", asking: Asking, service: Service, base: ServedBase, engine: Engine
) -> Extractor:
    return Pipeline(
        readers,
        asking,
        ServedModels(service, base, engine),
        eye=Eye.of_base(base.model.path),
    )
