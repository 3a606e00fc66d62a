"""A server of its own for a test: takes documents in, and tells how much memory that took.

Usage: python -m tests.unit.server.documents.upload_server FOLDER; writes its port, then serves.
"""

import asyncio
import socket
import sys
from pathlib import Path
from typing import Any

import uvicorn
from medley.results import ExtractionOptions
from medley_server.callers import CALLER, OPEN
from medley_server.document_app import create_document_app
from medley_server.document_uploads import DocumentUploads
from medley_server.extraction.errors import CorruptDocument
from medley_server.extraction.port import Progress, User, unheard
from medley_server.extraction_settings import ExtractionSettings
from medley_server.jobs.opening import INCOMING, open_desk
from medley_server.limits.table import LIMITS, KeyLimits
from medley_server.request_ids import REQUEST_ID


class Weigher:
    """Tells the size of what it is given, as a refusal."""

    async def check(self, options: Any, caller: User) -> None:
        """Anything goes."""

    async def extract(
        self,
        document: Path,
        options: ExtractionOptions,
        *,
        request_id: str,
        caller: str = "",
        progress: Progress = unheard,
    ) -> Any:
        raise CorruptDocument("weighed", details={"bytes": document.stat().st_size})

    async def analyze(self, document: Path, options: Any, **_: Any) -> Any:
        raise CorruptDocument(_peak_kib())


def _peak_kib() -> str:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return line.split()[1]
    raise AssertionError("no VmHWM")


async def main(folder: Path) -> None:
    settings = ExtractionSettings()
    extractor = Weigher()
    async with open_desk(folder, extractor, settings) as desk:
        uploads = DocumentUploads(folder / INCOMING, limit_bytes=settings.max_upload_bytes)
        app = create_document_app(desk, extractor, uploads, settings)

        async def known(scope: Any, receive: Any, send: Any) -> None:
            await app({**scope, CALLER: OPEN, LIMITS: KeyLimits(), REQUEST_ID: "r"}, receive, send)

        listening = socket.create_server(("127.0.0.1", 0))
        print(listening.getsockname()[1], flush=True)
        config = uvicorn.Config(known, lifespan="off", log_level="error")
        await uvicorn.Server(config).serve(sockets=[listening])


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
