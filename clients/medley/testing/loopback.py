"""A fake server on a port of this machine, for programs that run in processes of their own."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx

_LEFT_OUT = frozenset({"content-length", "transfer-encoding", "connection"})


@contextmanager
def listening(answer: "Callable[[httpx.Request], httpx.Response]") -> Iterator[str]:
    """Answer what comes in at an address, for as long as the block lasts."""

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            _pass_on(self, answer)

        do_GET = do_POST = do_PUT = do_DELETE = _answer  # noqa: N815 the library's names

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 the library's name
            """Nothing: requests are kept by the fake itself."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def _pass_on(
    handler: BaseHTTPRequestHandler, answer: "Callable[[httpx.Request], httpx.Response]"
) -> None:
    import httpx

    body = handler.rfile.read(int(handler.headers.get("content-length", 0)))
    url = f"http://{handler.headers['host']}{handler.path}"
    headers = list(handler.headers.items())
    request = httpx.Request(handler.command, url, headers=headers, content=body)
    try:
        response = answer(request)
    except AssertionError as error:  # nobody has said what to answer
        response = httpx.Response(500, json={"error": {"message": str(error)}})
    handler.send_response(response.status_code)
    for name, value in response.headers.items():
        if name not in _LEFT_OUT:
            handler.send_header(name, value)
    handler.end_headers()
    assert isinstance(response.stream, httpx.SyncByteStream)
    for piece in response.stream:
        handler.wfile.write(piece)
        handler.wfile.flush()
