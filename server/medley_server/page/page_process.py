"""The process that the page's parts run in, as the server sees it that starts it."""

import asyncio
import json
import os
import shutil
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx

    from medley_server.settings import ServeSettings

_END_S = 5.0


class PageProcess:
    """Started when first needed; ends with this process."""

    def __init__(self, settings: "ServeSettings", documents: Path) -> None:
        """Prepares.

        Args:
            settings: Of the server, whose API the page asks.
            documents: The folder of what visitors have dropped.
        """
        self._settings = settings
        self._documents = documents
        self._running: asyncio.Task[None] | None = None
        self.is_ready = False

    @cached_property
    def folder(self) -> Path:
        """For its socket: a Unix socket's path has to be short, and others may not reach it."""
        return Path(tempfile.mkdtemp(prefix="medley-page-"))

    @cached_property
    def transport(self) -> "httpx.AsyncHTTPTransport":
        """How it is asked."""
        import httpx

        limits = httpx.Limits(max_connections=None, max_keepalive_connections=8)
        # There is no TLS on a socket; reading certificates would hold the event loop up.
        path = str(self.folder / "socket")
        return httpx.AsyncHTTPTransport(uds=path, limits=limits, verify=False)

    def start(self) -> bool:
        """Starts it, unless it is starting; tells whether it failed to."""
        has_failed = self._running is not None and self._running.done()
        if self._running is None or has_failed:
            self._running = asyncio.create_task(self._run())
        return has_failed

    async def close(self) -> None:
        """Ends it."""
        if self._running is None:
            return
        self._running.cancel()
        await asyncio.gather(self._running, return_exceptions=True)
        await self.transport.aclose()
        await asyncio.to_thread(shutil.rmtree, self.folder, ignore_errors=True)

    async def _run(self) -> None:
        """From its start to its end; what it logs goes where the server's own log goes."""
        await asyncio.to_thread(getattr, self, "transport")  # imports, and looks at files
        limits = self._settings.extraction
        told = {
            "parent": os.getpid(),
            "folder": str(self.folder),
            "documents": str(self._documents),
            "server": own_address(self._settings),
            "max_bytes": limits.max_upload_bytes,
            "max_pages": limits.max_pages,
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            "-m",
            "medley_server.page.process",
            json.dumps(told),
            stdout=PIPE,
            env=_environment(self.folder),
        )
        assert process.stdout is not None
        try:
            self.is_ready = await process.stdout.readline() == b"ready\n"
            await process.wait()
        finally:
            self.is_ready = False
            await _end(process)


async def _end(process: Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    with suppress(TimeoutError):
        await asyncio.wait_for(process.wait(), _END_S)
        return
    process.kill()
    await process.wait()


def _environment(folder: Path) -> dict[str, str]:
    """Without what opens the server: the page has no right but its visitors'."""
    kept = {name: value for name, value in os.environ.items() if name not in _SECRET}
    return kept | {
        "GRADIO_ANALYTICS_ENABLED": "False",
        "GRADIO_TEMP_DIR": str(folder / "gradio"),
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_OFFLINE": "1",
    }


_SECRET = frozenset({"MEDLEY_API_KEY", "MEDLEY_CALLBACK_KEY", "MEDLEY_REGISTRY", "HF_TOKEN"})


def own_address(settings: "ServeSettings") -> str:
    """Where the server reaches itself."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(settings.host, settings.host)  # noqa: S104
    has_tls = any(flag.replace("_", "-").startswith("--ssl-cert") for flag in settings.engine_flags)
    return (
        f"{'https' if has_tls else 'http'}://{f'[{host}]' if ':' in host else host}:{settings.port}"
    )
