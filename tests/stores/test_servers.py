"""The servers of the tests themselves."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

PROGRAM = """
import sys
from tests.stores.postgres import running_postgres
from tests.stores.s3 import running_s3

server = running_postgres()
print(server.folder, server.data, running_s3().environment["AWS_ENDPOINT_URL"], flush=True)
sys.stdin.read()
"""


def is_listening(endpoint: str) -> bool:
    host, _, port = endpoint.removeprefix("http://").partition(":")
    try:
        socket.create_connection((host, int(port))).close()
    except ConnectionRefusedError:
        return False
    return True


def test_no_server_and_no_file_outlives_a_test_run_that_is_killed() -> None:
    run = subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert run.stdin
    assert run.stdout
    with run, run.stdin, run.stdout:
        folder, data, endpoint = run.stdout.readline().split()
        url = f"postgresql://postgres@/postgres?host={folder}"
        psycopg.connect(url).close()
        assert is_listening(endpoint)
        run.send_signal(signal.SIGKILL)

    while os.path.exists(folder) or os.path.exists(data) or is_listening(endpoint):  # noqa: PTH110
        time.sleep(0.01)
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url)
