"""How a server is started by whoever measures it, and how it ends."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from medley.errors import ServerDidNotStart
from medley.server_process import ServerProcess
from medley_registry.location import Location

POSTGRES = "postgresql://medley:secret@db/medley"
SAYS = f"""#!{sys.executable}
import json, os, sys
print(json.dumps({{"arguments": sys.argv[1:], "environment": dict(os.environ)}}))
"""
STARTS = """
import os, subprocess, sys
subprocess.run([sys.executable, "-c", sys.argv[1], str(os.getpid())])
"""
TETHERED = """
import sys, time
from medley.tethered import tether
tether(int(sys.argv[1]))
print("ready", flush=True)
time.sleep(600)
"""


@pytest.fixture
def started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What would be a server says how it was started, and ends; the log it says it in."""
    program = tmp_path / "python"
    program.write_text(SAYS)
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    return tmp_path / "log"


def said_by(process: ServerProcess, log: Path) -> tuple[list[str], dict[str, str]]:
    with process, pytest.raises(ServerDidNotStart):
        process.wait()
    told = json.loads(log.read_text())
    return told["arguments"], told["environment"]


def test_where_the_registry_is_stands_in_no_argument(started: Path) -> None:
    place = Location(POSTGRES, "s3://bucket/medley", "ward-3")

    arguments, environment = said_by(ServerProcess("tiny", place, log=started), started)

    assert not any("secret" in argument for argument in arguments)
    assert environment["MEDLEY_REGISTRY"] == POSTGRES
    assert environment["MEDLEY_BLOBS"] == "s3://bucket/medley"
    assert environment["MEDLEY_TENANT"] == "ward-3"


def test_a_registry_in_a_folder_has_its_bytes_there_whatever_the_environment_says(
    started: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEDLEY_BLOBS", "s3://another/place")

    _, environment = said_by(ServerProcess("tiny", tmp_path, log=started), started)

    assert environment["MEDLEY_REGISTRY"] == environment["MEDLEY_BLOBS"] == str(tmp_path)
    assert not environment["MEDLEY_TENANT"]


def test_a_key_is_not_handed_on_unless_it_is_meant_for_this_server(
    started: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEDLEY_API_KEY", "of-another-server")
    _, inherited = said_by(ServerProcess("tiny", tmp_path, log=started), started)
    own = ServerProcess("tiny", tmp_path, log=started, environment={"MEDLEY_API_KEY": "own"})
    _, given = said_by(own, started)

    assert "MEDLEY_API_KEY" not in inherited
    assert given["MEDLEY_API_KEY"] == "own"


@pytest.fixture
def healthy() -> Iterator[int]:
    """The port of something that answers as a healthy server does."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"status": "ok"}')

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def test_a_proxy_does_not_stand_before_a_server_on_this_machine(
    healthy: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)

    process = ServerProcess("tiny", tmp_path, log=tmp_path / "log", port=healthy)

    assert process.health() == {"status": "ok"}


@pytest.mark.skipif(sys.platform != "linux", reason="Linux tells a process of its parent's end")
def test_a_server_ends_with_a_parent_that_is_killed() -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", STARTS, TETHERED], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    assert parent.stdout.readline() == "ready\n"

    parent.kill()

    # The pipe is open for as long as one of the two lives.
    said, _ = parent.communicate(timeout=60)
    assert not said


@pytest.mark.skipif(sys.platform != "linux", reason="Linux tells a process of its parent's end")
def test_a_server_whose_parent_is_gone_already_does_not_start() -> None:
    command = [sys.executable, "-c", TETHERED, "0"]

    ended = subprocess.run(command, stdout=subprocess.PIPE, check=False)

    assert (ended.returncode, ended.stdout) == (1, b"")
