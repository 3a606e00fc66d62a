import asyncio
import base64
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

COUNT = 50
SIZE = 20 << 20
PIECE = 64 << 10
ROOM_KIB = 96 << 10
"""What 50 uploads may take together: a tenth of the documents that come in."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    program = [
        sys.executable,
        "-m",
        "tests.unit.server.documents.upload_server",
        str(tmp_path / "j"),
    ]
    # One arena, so that the peak is what was held, and not how many threads held a piece once.
    environment = {**os.environ, "MALLOC_ARENA_MAX": "1"}
    root = Path(__file__).parents[4]
    with subprocess.Popen(program, stdout=subprocess.PIPE, env=environment, cwd=root) as process:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        process.terminate()


async def _sent(*, as_json: bool) -> AsyncIterator[bytes]:
    piece = bytes(range(256)) * (PIECE // 256)
    if as_json:
        piece = base64.b64encode(piece[: PIECE // 3 * 3])
        yield b'{"mode": "sync", "file": "'
        for _ in range(SIZE // (PIECE // 3 * 3) + 1):
            yield piece
        yield b'"}'
        return
    yield b'--B\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\n'
    for _ in range(SIZE // PIECE):
        yield piece
    yield b"\r\n--B--\r\n"


async def _weigh(http: httpx.AsyncClient, *, as_json: bool) -> int:
    kind = "application/json" if as_json else "multipart/form-data; boundary=B"
    answer = await http.post(
        "/extract", content=_sent(as_json=as_json), headers={"content-type": kind}
    )
    error = answer.json()["error"]
    assert error["message"] == "weighed", answer.text
    return int(error["details"]["bytes"])


async def _peak_kib(http: httpx.AsyncClient) -> int:
    fields = {"file": "QUJD", "prompt": "?"}
    answer = await http.post("/analyze", content=json.dumps(fields), headers=JSON)
    return int(answer.json()["error"]["message"])


JSON = {"content-type": "application/json"}


@pytest.mark.slow
@pytest.mark.parametrize("as_json", [False, True])
async def test_fifty_documents_at_once_take_no_memory(
    server: str, tmp_path: Path, *, as_json: bool
) -> None:
    limits = httpx.Limits(max_connections=COUNT)
    async with httpx.AsyncClient(base_url=server, timeout=300, limits=limits) as http:
        await _weigh(http, as_json=as_json)
        before = await _peak_kib(http)

        sizes = await asyncio.gather(*(_weigh(http, as_json=as_json) for _ in range(COUNT)))

        grown = await _peak_kib(http) - before
    print(f"{COUNT} documents of {min(sizes)} bytes: {grown} KiB more than one")
    assert min(sizes) >= SIZE
    assert grown < ROOM_KIB
    assert list((tmp_path / "j" / "incoming").iterdir()) == []
