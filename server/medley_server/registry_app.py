"""The registry's face over HTTP: an app of its own, behind the gateway and beside vLLM's.

The gateway has found out who calls. Routes that call the registry are plain functions, so that
each runs in a thread and none holds up the tokens of others.
"""

import logging
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from medley_registry import Registry, RegistryError, StaleGeneration
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from medley_server.errors import (
    BadRequest,
    RouteNotFound,
    ServerError,
    registry_body,
    registry_headers,
    registry_status,
)
from medley_server.routes import (
    access_keys,
    adapters,
    aliases,
    events,
    evidence,
    files,
    policies,
    publishing,
    states,
    traffic,
    versions,
)
from medley_server.schemas.errors import ErrorAnswer
from medley_server.uploads import Uploads

log = logging.getLogger(__name__)

_ROUTES = (adapters, versions, publishing, files, states, evidence, aliases, policies, traffic)
_MOST_ERRORS_TOLD = 5


def create_registry_app(registry: Registry, *, uploads: Path) -> FastAPI:
    """The routes over one registry; `uploads` is where files lie while they come in."""
    app = FastAPI(
        title="Medley's registry",
        openapi_url="/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        responses={"4XX": {"model": ErrorAnswer}, "5XX": {"model": ErrorAnswer}},
    )
    app.state.registry = registry
    app.state.uploads = Uploads(uploads)
    for routes in (*_ROUTES, events, access_keys):
        app.include_router(routes.router)
    app.add_exception_handler(RegistryError, _registry_error)
    app.add_exception_handler(ServerError, _server_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, _unforeseen)
    return app


def _registry_error(request: Request, error: Any) -> JSONResponse:
    status = registry_status(error)
    if status >= 500:
        log.error("%s %s: %s: %s", request.method, request.url.path, error.code, error)
    now = {"generation": _generation(request)} if isinstance(error, StaleGeneration) else {}
    return JSONResponse(registry_body(error, **now), status, registry_headers(error))


def _generation(request: Request) -> int:
    """Where the alias in the path is now, so that the caller can decide without asking again."""
    registry: Registry = request.app.state.registry
    wanted = request.path_params["alias"]
    aliases = registry.aliases(request.path_params["name"])
    return next((alias.generation for alias in aliases if alias.name == wanted), 0)


async def _server_error(_: Request, error: Any) -> JSONResponse:
    return JSONResponse(error.body(), error.status, error.headers())


async def _invalid(_: Request, error: Any) -> JSONResponse:
    told = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
    return _answer(BadRequest(f"{'; '.join(told[:_MOST_ERRORS_TOLD])}."))


async def _http_error(request: Request, error: Any) -> JSONResponse:
    if error.status_code in (404, 405):
        route = f"{request.method} {request.url.path}"
        return _answer(RouteNotFound(f"There is no route {route} on this server."))
    return _answer(BadRequest(str(error.detail)))


async def _unforeseen(_: Request, error: Exception) -> JSONResponse:
    return _answer(ServerError("The server failed; its log says why."))


def _answer(error: ServerError) -> JSONResponse:
    return JSONResponse(error.body(), error.status, error.headers())
