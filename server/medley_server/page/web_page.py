"""What stands at `/` and below `/page/`, as the server's process sees it."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

from starlette.requests import Request

from medley_server.callers import CALLER
from medley_server.document_uploads import DocumentUploads
from medley_server.errors import BadRequest
from medley_server.json_answer import send_json
from medley_server.page.own_files import FAILED, SECURITY, STARTING, own_file
from medley_server.page.page_process import PageProcess
from medley_server.page.passing_on import PassingOn
from medley_server.page.visits import Visits, visit_name

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from medley_server.settings import ServeSettings

TAB = b"x-medley-tab"
"""What tells a browser's tabs apart. No other site can send it, so none acts through the page."""

_DOCUMENT = "/page/document"
_OWN = re.compile(r"/page/own/([a-z]+\.(?:css|js))")
_PUBLIC = re.compile(r"|/page/(?:assets|static)/.+|/page/theme\.css")
_PRIVATE = re.compile(r"/page/gradio_api/(?:queue/(?:join|data)|cancel|reset)")
_TAB_LENGTH = 64
_SWEEP_S = 60.0


@asynccontextmanager
async def open_page(settings: "ServeSettings") -> "AsyncIterator[WebPage]":
    """The page, with a folder for what is dropped on it; nothing stays there."""
    visits = await asyncio.to_thread(Visits, settings.page)
    process = PageProcess(settings, visits.kept)
    sweeping = asyncio.create_task(_sweep(visits))
    try:
        limit_bytes = settings.extraction.max_upload_bytes
        yield WebPage(visits, process, DocumentUploads(visits.incoming, limit_bytes=limit_bytes))
    finally:
        sweeping.cancel()
        await process.close()
        await asyncio.to_thread(visits.close)


async def _sweep(visits: Visits) -> None:
    while True:
        await asyncio.sleep(_SWEEP_S)
        await asyncio.to_thread(visits.sweep)


class WebPage:
    """An ASGI app that answers what is public, and callers that the gateway has found out."""

    def __init__(self, visits: Visits, process: PageProcess, uploads: DocumentUploads) -> None:
        self._visits = visits
        self._process = process
        self._uploads = uploads
        self._passing_on = PassingOn(process)

    def is_public(self, method: str, path: str) -> bool:
        """Whether anybody may have it: the page itself says nothing of anybody."""
        is_there = _PUBLIC.fullmatch(path) or _OWN.fullmatch(path)
        return method in ("GET", "HEAD") and is_there is not None

    def is_private(self, method: str, path: str) -> bool:
        """Whether it is the page's, and for callers only."""
        if path == _DOCUMENT:
            return method in ("POST", "DELETE")
        return method in ("GET", "POST") and _PRIVATE.fullmatch(path) is not None

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """One request.

        Raises:
            ServerError: it is refused.
        """
        path = scope["path"].rstrip("/")
        visit = visit_name(scope[CALLER].name, _tab_of(scope)) if CALLER in scope else None
        if (own := _OWN.fullmatch(path)) is not None:
            await own_file(own[1])(scope, receive, send)
        elif path == _DOCUMENT:
            assert visit is not None
            await self._take_document(visit, scope, receive, send)
        elif self._process.is_ready:
            if visit is not None:
                self._visits.touch(visit)
            await self._passing_on(visit, scope, receive, send)
        else:
            has_failed = self._process.start()
            await (FAILED if has_failed else STARTING)(scope, receive, send)

    async def _take_document(self, visit: str, scope: "Scope", receive: Any, send: "Send") -> None:
        if scope["method"] == "DELETE":
            await asyncio.to_thread(self._visits.end, visit)
        else:
            async with self._uploads.receive(Request(scope, receive)) as sent:
                await asyncio.to_thread(self._visits.begin, visit, sent.document)
        await send_json(send, 200, {"kept": scope["method"] == "POST"}, headers=SECURITY)


def _tab_of(scope: "Scope") -> str:
    """Which of a caller's tabs it is.

    Raises:
        BadRequest: the page does not ask like this.
    """
    with suppress(KeyError, UnicodeDecodeError):
        tab: str = dict(scope["headers"])[TAB].decode("ascii")
        if tab.isalnum() and len(tab) <= _TAB_LENGTH:
            return tab
    raise BadRequest("This is for the page of this server alone.")
