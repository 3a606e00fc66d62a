"""Documents over HTTP: an app of its own, behind the gateway and beside vLLM's.

The gateway has found out who calls, that he may, and which id the request has.
"""

from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from medley_server.document_errors import of_server
from medley_server.document_uploads import DocumentUploads
from medley_server.errors import RouteNotFound, ServerError
from medley_server.extraction.errors import InvalidRequest, answer_body
from medley_server.extraction.port import Extractor
from medley_server.extraction_settings import ExtractionSettings
from medley_server.jobs import JobDesk
from medley_server.jobs.shift import log_failure
from medley_server.json_answer import send_json
from medley_server.request_ids import REQUEST_ID
from medley_server.routes import analyze, extract, jobs
from medley_server.schemas.extraction import DocumentErrorAnswer

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_MOST_ERRORS_TOLD = 5


def create_document_app(
    desk: JobDesk, extractor: Extractor, uploads: DocumentUploads, settings: ExtractionSettings
) -> FastAPI:
    """The routes over one extractor and its jobs."""
    app = FastAPI(
        title="Medley's documents",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        responses={"4XX": {"model": DocumentErrorAnswer}, "5XX": {"model": DocumentErrorAnswer}},
    )
    app.state.desk = desk
    app.state.extractor = extractor
    app.state.document_uploads = uploads
    app.state.extraction_settings = settings
    for routes in (extract, analyze, jobs):
        app.include_router(routes.router)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_middleware(Fence)
    return app


class Fence:
    """Turns every error into an answer; of one that nobody foresaw, only the place is logged."""

    def __init__(self, app: "ASGIApp") -> None:
        self._app = app

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """One request."""
        has_begun = False

        async def send_on(message: "Message") -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            await self._app(scope, receive, send_on)
        except Exception as failure:
            request_id: str = scope[REQUEST_ID]
            if not isinstance(failure, ServerError):
                log_failure(failure, request_id=request_id)
            if has_begun:  # the answer breaks off before its end, so no client takes it for whole
                raise _BrokenOff from None
            error = of_server(failure)
            body = answer_body(error, request_id=request_id)
            await send_json(send, error.status, body, headers=error.headers())


class _BrokenOff(Exception):
    """The rest of an answer will not come; the log says why."""


def _answer(request: Request, error: ServerError) -> JSONResponse:
    body = answer_body(error, request_id=request.scope[REQUEST_ID])
    return JSONResponse(body, error.status, error.headers())


async def _invalid(request: Request, error: Any) -> JSONResponse:
    told = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
    about = str(error.errors()[0]["loc"][-1])
    return _answer(request, InvalidRequest(f"{'; '.join(told[:_MOST_ERRORS_TOLD])}.", about=about))


async def _http_error(request: Request, error: Any) -> JSONResponse:
    if error.status_code in (404, 405):
        route = f"{request.method} {request.url.path}"
        return _answer(request, RouteNotFound(f"There is no route {route} on this server."))
    return _answer(request, InvalidRequest(str(error.detail)))
