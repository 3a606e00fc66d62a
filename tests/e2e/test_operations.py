"""A server whose engine dies, and one that is told to stop while it answers."""

import json
import os
import signal
import time
from pathlib import Path

import httpx
import psutil
import pytest
from medley.server_process import ServerProcess
from medley_registry import open_registry
from medley_server.demo.showcase import TRIAGE_NOTE
from medley_server.demo.small_base import NAME

from tests.e2e.conftest import RunningServer

pytestmark = pytest.mark.e2e

HANG_S = 300


def until_ready(process: ServerProcess, *, restarts: int) -> dict[str, object]:
    """What `GET /health` says once the server has begun anew so often."""
    began = time.monotonic()
    while time.monotonic() - began < HANG_S:
        health = process.health()
        if health is not None and health["ready"] and health["restarts"] == restarts:
            return health
        time.sleep(0.5)
    raise TimeoutError("the server did not come back")


def test_a_server_whose_engine_is_killed_starts_anew_with_what_it_served(
    server: RunningServer,
) -> None:
    before = server.process.health()
    assert before is not None
    process = psutil.Process(server.process.pid)
    engine = next(one for one in process.children(recursive=True) if "EngineCore" in one.name())
    ask = {"model": TRIAGE_NOTE.name, "prompt": "Pain", "max_tokens": 8, "temperature": 0}
    expected = httpx.post(f"{server.process.url}/v1/completions", json=ask, timeout=60).json()

    engine.kill()
    health = until_ready(server.process, restarts=before["restarts"] + 1)

    assert psutil.Process(server.process.pid).create_time() == process.create_time()
    assert health["resident"]
    answer = httpx.post(f"{server.process.url}/v1/completions", json=ask, timeout=60).json()
    assert answer["model"] == expected["model"]
    assert answer["choices"][0]["text"] == expected["choices"][0]["text"]


def test_a_stream_that_runs_when_the_server_is_told_to_stop_ends_as_it_should(
    small_base: Path, tmp_path: Path
) -> None:
    with open_registry(tmp_path / "registry", create=True) as registry:
        registry.add_base(NAME, small_base, actor="test")
    process = ServerProcess(
        NAME,
        tmp_path / "registry",
        log=tmp_path / "server.log",
        home=tmp_path,
        options=("--no-page", "--max-loras", "0"),
        engine_flags=("--max-model-len", "512"),
    )
    with process:
        process.wait()
        ask = {"model": NAME, "prompt": "One two", "max_tokens": 64, "ignore_eos": True}
        url = f"{process.url}/v1/completions"
        tokens = 0
        refused: list[int] = []
        with httpx.stream("POST", url, json=ask | {"stream": True}, timeout=HANG_S) as answer:
            for line in answer.iter_lines():
                if line.startswith("data: {"):
                    tokens += len(json.loads(line[6:])["choices"])
                if tokens == 4 and not refused:
                    os.kill(process.pid or 0, signal.SIGTERM)
                    time.sleep(0.2)
                    refused = [httpx.get(f"{process.url}/health").status_code]
                    refused += [httpx.post(url, json=ask).status_code]

        assert refused == [503, 503]
        assert tokens >= 60
        began = time.monotonic()
        while process.is_running() and time.monotonic() - began < HANG_S:
            time.sleep(0.2)
        assert not process.is_running()
    assert "Traceback" not in (tmp_path / "server.log").read_text()
