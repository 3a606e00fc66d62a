"""A server that answers as `medley serve` does, with tokens that it makes up."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MEMORY = {
    "weights": 270_000_000,
    "kv_cache": 30_000_000,
    "lora_slots": 4_000_000,
    "activation": 50_000_000,
    "other": 1,
    "total": 1_000_000_000,
}


class FakeServer:
    """What it was asked, and how it answers.

    Attributes:
        asked: the bodies of all requests.
        resets: how often a peak was to be counted anew.
        in_one_event: tokens of each event.
        short: answers end so many tokens early.
        status: of answers to completions.
        preemptions: what its metrics say.
    """

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.resets = 0
        self.in_one_event = 1
        self.short = 0
        self.status = 200
        self.preemptions = 0
        self.url = ""

    def events(self, body: dict[str, Any]) -> Iterator[bytes]:
        left = body["max_tokens"] - self.short
        while left > 0:
            count = min(self.in_one_event, left)
            left -= count
            choice = {"text": "x", "token_ids": [7] * count}
            yield f"data: {json.dumps({'choices': [choice]})}\n\n".encode()
        yield b'data: {"choices": [{"text": "", "token_ids": null}]}\n\n'
        yield b"data: [DONE]\n\n"


@contextmanager
def fake_server() -> Iterator[FakeServer]:
    """Runs one on a port of its own."""
    fake = FakeServer()
    http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(fake))
    fake.url = f"http://127.0.0.1:{http.server_port}"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield fake
    finally:
        http.shutdown()
        thread.join()
        http.server_close()


def _handler(fake: FakeServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.0"  # a body ends with its connection

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            fake.asked.append(body)
            self._begin(fake.status)
            if fake.status != 200:
                self.wfile.write(b'{"error": "no"}')
            elif body.get("stream"):
                for event in fake.events(body):
                    self.wfile.write(event)
                    self.wfile.flush()
            else:
                self.wfile.write(b"{}")

        def do_GET(self) -> None:
            self._begin(200)
            if self.path.startswith("/metrics"):
                line = f'vllm:num_preemptions_total{{engine="0"}} {float(fake.preemptions)}\n'
                self.wfile.write(line.encode())
                return
            fake.resets += "reset=true" in self.path
            told = {"variant": "bf16", "engine": "vllm 0", "memory_bytes": MEMORY, "rows": [1]}
            self.wfile.write(json.dumps(told).encode())

        def _begin(self, status: int) -> None:
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Tests are quiet."""

    return Handler
