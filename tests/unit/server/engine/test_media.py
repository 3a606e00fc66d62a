"""What vLLM fetches, by way of the connector that takes its own's place."""

import base64
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer

pytest.importorskip("vllm")

from medley_server.engine.media import ListedConnection, ListedMedia, guard_media
from medley_server.image_sources import ImageSources
from vllm.exceptions import VLLMUnprocessableEntityError, VLLMValidationError
from vllm.multimodal.media import MEDIA_CONNECTOR_REGISTRY

pytestmark = pytest.mark.slow

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@pytest_asyncio.fixture
async def host() -> AsyncIterator[TestServer]:
    """A host on this machine with a picture, a way to it, and a wall."""

    async def picture(_: web.Request) -> web.Response:
        return web.Response(body=PIXEL, content_type="image/png")

    async def elsewhere(_: web.Request) -> web.Response:
        raise web.HTTPFound("/picture.png")

    app = web.Application()
    app.router.add_get("/picture.png", picture)
    app.router.add_get("/elsewhere", elsewhere)
    server = TestServer(app)
    await server.start_server()
    yield server
    await server.close()


def media(*hosts: str) -> ListedMedia:
    return ListedMedia(ListedConnection(ImageSources(hosts).hosts))


async def fetch(connector: ListedMedia, url: str) -> Any:
    try:
        return await connector.fetch_image_async(url)
    finally:
        await (await connector.connection.get_async_client()).close()


async def test_a_listed_address_is_fetched(host: TestServer) -> None:
    picture = await fetch(media("127.0.0.1"), str(host.make_url("/picture.png")))

    assert picture.size == (1, 1)


async def test_a_data_url_needs_no_host() -> None:
    url = f"data:image/png;base64,{base64.b64encode(PIXEL).decode()}"

    assert (await fetch(media(), url)).size == (1, 1)


async def test_an_address_that_is_not_listed_is_not_gone_to(host: TestServer) -> None:
    with pytest.raises(VLLMValidationError, match="not listed"):
        await fetch(media("10.0.0.1"), str(host.make_url("/picture.png")))


async def test_a_redirect_is_no_picture(host: TestServer) -> None:
    with pytest.raises((VLLMUnprocessableEntityError, ValueError)):
        await fetch(media("127.0.0.1"), str(host.make_url("/elsewhere")))


@pytest.mark.parametrize("inside", ["127.0.0.1", "10.0.0.7", "169.254.169.254", "192.168.1.1"])
async def test_a_listed_name_that_leads_inside_is_not_followed(
    monkeypatch: pytest.MonkeyPatch, inside: str
) -> None:
    def leads_inside(*_: object, **__: object) -> Any:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (inside, 443))]

    monkeypatch.setattr(socket, "getaddrinfo", leads_inside)

    with pytest.raises(VLLMValidationError, match="not public"):
        await fetch(media("pacs.example.org"), "https://pacs.example.org/1.png?token=CANARY")


async def test_a_failure_quotes_no_url(caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]

    with pytest.raises(VLLMUnprocessableEntityError) as failed:
        await fetch(media("127.0.0.1"), f"http://127.0.0.1:{port}/1.png?token=CANARY")

    assert "CANARY" not in str(failed.value) + caplog.text


async def test_local_files_are_not_read() -> None:
    with pytest.raises(RuntimeError):
        await fetch(media("127.0.0.1"), "file:///etc/hostname")


def test_vllm_is_told_to_use_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("VLLM_MEDIA_CONNECTOR", "VLLM_MEDIA_URL_ALLOW_REDIRECTS"):
        monkeypatch.setenv(name, "unset")

    guard_media(["pacs.example.org"])

    from vllm import envs

    assert (envs.VLLM_MEDIA_CONNECTOR, envs.VLLM_MEDIA_URL_ALLOW_REDIRECTS) == ("medley", False)
    made = MEDIA_CONNECTOR_REGISTRY.load(
        "medley", media_io_kwargs={}, allowed_local_media_path="/", allowed_media_domains=None
    )
    assert isinstance(made, ListedMedia)
    assert made.allowed_local_media_path is None
