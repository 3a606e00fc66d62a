"""How the page's functions ask the server: as any client does, in the visitor's name."""

import time
from collections.abc import AsyncIterator, Callable
from functools import wraps
from html import escape
from typing import Any

import gradio as gr
import httpx
from medley import AsyncClient, MedleyError

from medley_server.jobs.shift import log_failure
from medley_server.page.edited import EditRefused
from medley_server.page.passing_on import VISIT

_OF_THE_VISITOR = ("authorization", "host", "origin")


class VisitorTransport(httpx.AsyncBaseTransport):
    """Sends requests to the server with the visitor's key, and from where the visitor came."""

    def __init__(self, visitor: dict[str, str]) -> None:
        # The server has the certificate itself; whose name is in it does not matter here.
        self._transport = httpx.AsyncHTTPTransport(verify=False)
        self._visitor = visitor

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """See `httpx.AsyncBaseTransport`."""
        request.headers.update(self._visitor)
        return await self._transport.handle_async_request(request)

    async def aclose(self) -> None:
        """See `httpx.AsyncBaseTransport`."""
        await self._transport.aclose()


class Api:
    """The server's API."""

    def __init__(self, address: str) -> None:
        self._address = address

    def client(self, request: gr.Request) -> AsyncClient:
        """A client with the visitor's rights; the page has none of its own."""
        headers = _headers(request)
        visitor = {name: headers[name] for name in _OF_THE_VISITOR if name in headers}
        return AsyncClient(self._address, api_key="", transport=VisitorTransport(visitor))

    async def metrics(self, request: gr.Request) -> str:
        """What `/metrics` says to the visitor; nothing where it says nothing."""
        headers = _headers(request)
        visitor = {name: headers[name] for name in _OF_THE_VISITOR if name in headers}
        transport = VisitorTransport(visitor)
        async with httpx.AsyncClient(base_url=self._address, transport=transport) as client:
            answer = await client.get("/metrics")
        return answer.text if answer.is_success else ""


def visit_of(request: gr.Request) -> str:
    """Whose document it is, as the server says."""
    visit: str = _headers(request)[VISIT]
    return visit


def _headers(request: gr.Request) -> Any:
    assert request.request is not None
    return request.request.headers


def notice(kind: str, text: str) -> str:
    """A line of the status; `kind` is ok, busy, warn or bad."""
    word = {"bad": "Error: ", "warn": "Note: "}.get(kind, "")
    return f"<p class='md-notice md-{kind}'><b>{word}</b>{escape(text)}</p>"


def refused(error: Exception) -> str:
    """An error in the API's own words, with what finds it in the log."""
    if not isinstance(error, MedleyError):
        return notice("bad", str(error))
    parts = [error.code]
    if error.page is not None:
        parts.append(f"page {error.page}")
    if error.request_id is not None:
        parts.append(f"request {error.request_id}")
    return notice("bad", f"{error} ({', '.join(parts)})")


def telling(status: Any) -> Callable[[Any], Any]:
    """Makes a function of updates show what it is refused in `status`; nothing else gets out.

    What nobody foresaw is logged by its place: its text may quote the document.
    """

    def around(function: Callable[..., AsyncIterator[dict[Any, Any]]]) -> Any:
        @wraps(function)
        async def told(*args: Any, **more: Any) -> AsyncIterator[dict[Any, Any]]:
            try:
                async for update in function(*args, **more):
                    yield update
            except (MedleyError, EditRefused) as error:
                yield {status: refused(error)}
            except Exception as failure:
                name = f"page_{time.time_ns():x}"
                log_failure(failure, request_id=name)
                yield {status: notice("bad", f"Something went wrong here; the log says {name}.")}

        return told

    return around
