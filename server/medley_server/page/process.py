"""The page's process: Gradio's app on a Unix socket, until the server that started it is gone.

Usage: python -m medley_server.page.process JSON; writes `ready` on stdout when it can be asked.
"""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_SWEEP_S = 60.0
_LOOK_S = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the server tells it.

    Attributes:
        parent: The server's process.
        folder: For the socket, and for what Gradio may want to write.
        documents: Where the server keeps what visitors have dropped.
        server: The API's address.
        max_bytes: The longest document.
        max_pages: Most pages of one.
    """

    parent: int
    folder: str
    documents: str
    server: str
    max_bytes: int
    max_pages: int


async def main(told: Told) -> None:
    """Serves until it is ended."""
    import uvicorn
    from medley.reading import Budget, Readers

    from medley_server.page.findings import Findings
    from medley_server.page.front import Front
    from medley_server.page.layout import page_blocks

    budget = Budget(max_bytes=told.max_bytes, max_pages=told.max_pages)
    findings = Findings(Path(told.documents))
    async with Readers(1, budget=budget) as readers:
        blocks = page_blocks(findings, readers, told.server)
        async with running(blocks) as app:
            socket = str(Path(told.folder) / "socket")
            config = uvicorn.Config(
                Front(app),
                uds=socket,
                lifespan="off",
                log_level="warning",
                access_log=False,
                date_header=False,
                server_header=False,
            )
            server = uvicorn.Server(config)
            serving = asyncio.create_task(server.serve())
            while not server.started and not serving.done():
                await asyncio.sleep(_LOOK_S)
            print("ready", flush=True)
            os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
            sweeping = asyncio.create_task(_sweep(findings))
            await serving
            sweeping.cancel()


@asynccontextmanager
async def running(blocks: Any) -> AsyncIterator[Any]:
    """Gradio's app, with its queue at work."""
    from gradio.routes import App

    no_docs = {"docs_url": None, "redoc_url": None, "openapi_url": None}
    app = App.create_app(blocks, app_kwargs=no_docs)
    async with app.router.lifespan_context(app):
        blocks.run_startup_events()
        await blocks.run_extra_startup_events()
        yield app


async def _sweep(findings: Any) -> None:
    while True:
        await asyncio.sleep(_SWEEP_S)
        findings.sweep()


if __name__ == "__main__":
    from medley.tethered import tether

    told = Told(**json.loads(sys.argv[1]))
    tether(told.parent)
    asyncio.run(main(told))
