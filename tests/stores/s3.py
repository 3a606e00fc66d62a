"""An S3 server that the tests start: moto's, in a process of its own, on a free loopback port.

A process, because forked tests must not inherit its threads. It ends with its input, so with us.
"""

import atexit
import functools
import http.client
import os
import subprocess
import sys
import uuid
from unittest.mock import patch

from medley_registry.backends.s3 import ObjectBlobs, create_object_blobs

_PROGRAM = """
import sys
from moto.server import ThreadedMotoServer

server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
"""


class S3Server:
    """A running server; `environment` is what a client needs to reach it."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,  # Ctrl-C is for the tests, which still use the server
        )
        assert self._process.stdout
        self._port = int(self._process.stdout.readline())
        self.environment = {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self._port}",
            "AWS_ACCESS_KEY_ID": "medley-tests",
            "AWS_SECRET_ACCESS_KEY": "no secret",
            "AWS_REGION": "us-east-1",
            "NO_PROXY": "127.0.0.1",
        }

    def make_bucket(self) -> str:
        """An empty bucket's address."""
        name = f"medley-{uuid.uuid4().hex}"
        connection = http.client.HTTPConnection("127.0.0.1", self._port)
        connection.request("PUT", f"/{name}", headers={"Content-Length": "0"})
        assert connection.getresponse().status == http.HTTPStatus.OK
        connection.close()
        return f"s3://{name}/registry"

    def stop(self) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


@functools.cache
def running_s3() -> S3Server:
    """The one server of this test run, started at the first call."""
    server = S3Server()
    owner = os.getpid()
    # A forked child of the tests ends too, and takes nothing with it.
    atexit.register(lambda: server.stop() if os.getpid() == owner else None)
    return server


def object_blobs(server: S3Server) -> ObjectBlobs:
    """An empty store in a bucket of its own."""
    url = server.make_bucket()
    with patch.dict(os.environ, server.environment):
        create_object_blobs(url)
        return ObjectBlobs(url)
