"""Callers who do not wait for their answer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.requests import Request

from medley_server.document_errors import CallerLeft


async def until_left(request: Request) -> None:
    """Ends when the caller has hung up; the request's body must have been read."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


@asynccontextmanager
async def unless_left(request: Request) -> AsyncIterator[None]:
    """Cancels the block when the caller hangs up.

    Raises:
        CallerLeft: that happened.
    """
    task = asyncio.current_task()
    assert task is not None
    has_left = False

    async def watch() -> None:
        nonlocal has_left
        await until_left(request)
        has_left = True
        task.cancel()

    watching = asyncio.create_task(watch())
    try:
        yield
    except asyncio.CancelledError:
        if has_left and task.uncancel() == 0:
            raise CallerLeft("The caller left.") from None
        raise
    finally:
        watching.cancel()
