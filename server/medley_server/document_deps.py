"""What the routes of documents ask for."""

from typing import Annotated

from fastapi import Depends, Request

from medley_server.document_uploads import DocumentUploads
from medley_server.extraction.port import Extractor
from medley_server.extraction_settings import ExtractionSettings
from medley_server.jobs import JobDesk
from medley_server.limits.table import LIMITS, KeyLimits
from medley_server.request_ids import REQUEST_ID


async def _desk(request: Request) -> JobDesk:
    desk: JobDesk = request.app.state.desk
    return desk


async def _uploads(request: Request) -> DocumentUploads:
    uploads: DocumentUploads = request.app.state.document_uploads
    return uploads


async def _extractor(request: Request) -> Extractor:
    extractor: Extractor = request.app.state.extractor
    return extractor


async def _settings(request: Request) -> ExtractionSettings:
    settings: ExtractionSettings = request.app.state.extraction_settings
    return settings


async def _limits(request: Request) -> KeyLimits:
    limits: KeyLimits = request.scope[LIMITS]
    return limits


def request_id_in(request: Request) -> str:
    """The id that the gateway gave it."""
    request_id: str = request.scope[REQUEST_ID]
    return request_id


DeskDep = Annotated[JobDesk, Depends(_desk)]
UploadsDep = Annotated[DocumentUploads, Depends(_uploads)]
ExtractorDep = Annotated[Extractor, Depends(_extractor)]
SettingsDep = Annotated[ExtractionSettings, Depends(_settings)]
LimitsDep = Annotated[KeyLimits, Depends(_limits)]
"""Of whoever calls."""
