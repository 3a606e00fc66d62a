# /// script
# requires-python = ">=3.11"
# dependencies = ["httpx>=0.28", "ray[serve]==2.60.*"]
# ///
"""Several `medley serve` behind one address, kept up by Ray Serve.

    uv run deploy/ray_replicas.py --replicas 2 -- --base smollm2-135m-instruct

Each replica is a whole `medley serve` on a port of its own, with an engine and GPUs of its own, and
follows the registry by itself: a promotion reaches all of them. Ray spreads requests over those
that are ready, starts one anew that dies, and takes replicas from any machine of its cluster.
Ray has an environment of its own (uv makes it), so that its packages never meet those of vLLM.

A replica whose server cannot be reached ends at once, rather than at Ray's third check: what
refuses answers fastest, and would be given most. Whom it was answering gets 503 with `Retry-After`.

Admission is each replica's: Ray hands requests on as they come. A replica's document jobs are its
own; behind several, ask for documents with `mode=sync`.
"""

import argparse
import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import httpx
import ray
from ray import serve

# What concerns one connection only (RFC 9110 §7.6.1), and what each hop says for itself.
_OF_ONE_HOP = frozenset(
    {b"connection", b"keep-alive", b"transfer-encoding", b"upgrade", b"host", b"te", b"trailer"}
)
_START_LIMIT_S = 900
_CHECK_EVERY_S, _CHECK_LIMIT_S = 2, 60
"""A check that is late says only that the machine is busy; replacing a replica makes it busier."""
_LAST_WORDS_S = 0.5
"""From the server's end to its replica's, for the answers that say so."""
_STOP_LIMIT_S = 40


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Forward:
    """An ASGI app that hands requests on to a server of this machine, and streams the answers."""

    def __init__(self, url: str, lost: Callable[[], None]) -> None:
        """Takes where the server is, and what to call when it cannot be reached."""
        self._lost = lost
        self._client = httpx.AsyncClient(
            base_url=url,
            trust_env=False,
            timeout=httpx.Timeout(None),  # how long an answer may take is Medley's to say
            # Shorter than the five seconds after which the server closes an idle connection.
            limits=httpx.Limits(
                max_connections=None, max_keepalive_connections=64, keepalive_expiry=2
            ),
        )

    async def knock(self) -> None:
        """Finds out whether the server can be reached, whatever it says."""
        try:
            await self._client.get("/health")
        except httpx.ConnectError:
            self._lost()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """One request."""
        if scope["type"] != "http":
            return
        headers = [pair for pair in scope["headers"] if pair[0].lower() not in _OF_ONE_HOP]
        url = httpx.URL(path=scope["path"], query=scope.get("query_string", b""))
        request = self._client.build_request(
            scope["method"], url, headers=headers, content=_body(receive)
        )
        try:
            answer = await self._client.send(request, stream=True)
        except httpx.TransportError as error:
            if isinstance(error, httpx.ConnectError):
                self._lost()
            await asyncio.sleep(_LAST_WORDS_S / 2)  # who is refused asks again, and not here
            await _refuse(send)
            return
        try:
            kept = [pair for pair in answer.headers.raw if pair[0].lower() not in _OF_ONE_HOP]
            start = {"type": "http.response.start", "status": answer.status_code, "headers": kept}
            await send(start)
            async for piece in answer.aiter_raw():
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            await answer.aclose()


async def _refuse(send: Any) -> None:
    error = {
        "message": "the replica that had this request ended before it answered; ask again",
        "type": "server_error",
        "param": None,
        "code": "replica_lost",
    }
    headers = [(b"content-type", b"application/json"), (b"retry-after", b"1")]
    await send({"type": "http.response.start", "status": 503, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps({"error": error}).encode()})


async def _body(receive: Any) -> Any:
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return
        yield message.get("body", b"")
        if not message.get("more_body", False):
            return


class ToThisReplica:
    """The ASGI app of whichever replica it runs in. Of a function Ray would ask for an app."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """One request, or the replica's begin and end."""
        if scope["type"] == "lifespan":
            while (await receive())["type"] == "lifespan.startup":
                await send({"type": "lifespan.startup.complete"})
            await send({"type": "lifespan.shutdown.complete"})
            return
        await serve.get_replica_context().servable_object.forward(scope, receive, send)


@serve.deployment
@serve.ingress(ToThisReplica())
class MedleyReplica:
    """One `medley serve`, from its start to its end."""

    def __init__(self, python: str, flags: Sequence[str]) -> None:
        port = _free_port()
        url = f"http://127.0.0.1:{port}"
        tethered = [python, "-m", "medley.tethered", str(os.getpid()), "serve"]
        # Ours first: what stands behind a caller's -- is for vLLM.
        self._command = [*tethered, "--host", "127.0.0.1", "--port", str(port), *flags]
        self._exit: int | None = None
        self._is_ready = False
        self._process: subprocess.Popen[bytes] | None = None
        # Killed by Ray, a replica takes its server with it; Linux goes by the thread that began it.
        threading.Thread(target=self._run, daemon=True).start()
        self._wait(url)
        self._is_ready = True
        self.forward = Forward(url, self._end)

    def _run(self) -> None:
        try:
            self._process = subprocess.Popen(self._command)
            self._exit = self._process.wait()
        except OSError as error:
            self._exit = error.errno
        self._end()

    def _end(self) -> None:
        """Ends this process: Ray asks a dead actor no more, and starts another."""
        if self._is_ready:
            self._is_ready = False
            threading.Timer(_LAST_WORDS_S, os._exit, [1]).start()

    def _wait(self, url: str) -> None:
        began = time.monotonic()
        while time.monotonic() - began < _START_LIMIT_S:
            self._check()
            try:
                if httpx.get(f"{url}/health", trust_env=False, timeout=5).is_success:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.5)
        raise RuntimeError(f"medley serve was not ready after {_START_LIMIT_S} s")

    def _check(self) -> None:
        if self._exit is not None:
            raise RuntimeError(f"medley serve ended with {self._exit}; its log is the replica's")

    async def check_health(self) -> None:
        """Ray asks every few seconds; one that no request comes to is found out here."""
        await self.forward.knock()

    def __del__(self) -> None:
        self._is_ready = False
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(_STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()


def main() -> None:
    """Runs the replicas until interrupted."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--replicas", type=int, default=2)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--cpus", type=float, default=1, help="that Ray sets aside for a replica")
    parser.add_argument("--gpus", type=float, default=0, help="the same")
    parser.add_argument(
        "--medley", default=shutil.which("medley"), help="the command, in its .venv"
    )
    parser.add_argument("flags", nargs="+", help="of medley serve, after --")
    options = parser.parse_args()
    if options.medley is None:
        parser.error("no medley on the PATH; say where it is: --medley .venv/bin/medley")
    python = str(Path(options.medley).absolute().with_name("python"))
    ray.init(include_dashboard=False)
    serve.start(http_options={"host": options.host, "port": options.port})
    replicas = MedleyReplica.options(
        num_replicas=options.replicas,
        max_ongoing_requests=10_000,  # who may ask how much is Medley's to say
        health_check_period_s=_CHECK_EVERY_S,
        health_check_timeout_s=_CHECK_LIMIT_S,
        graceful_shutdown_timeout_s=_STOP_LIMIT_S,
        ray_actor_options={"num_cpus": options.cpus, "num_gpus": options.gpus},
    )
    serve.run(replicas.bind(python, options.flags), name="medley")
    print(f"{options.replicas} replicas at http://{options.host}:{options.port}", flush=True)
    stop = asyncio.Event()

    async def until_stopped() -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        await stop.wait()

    asyncio.run(until_stopped())
    serve.shutdown()


if __name__ == "__main__":
    main()
