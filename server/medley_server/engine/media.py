"""What vLLM fetches for a request: from listed hosts alone, to the address that was looked at.

vLLM checks a host's name against a list, and then connects to wherever the name leads at that
moment, by way of any proxy of the environment, with the URL in its log when it fails. This takes
its place (`VLLM_MEDIA_CONNECTOR`): what a name leads to is checked while connecting, redirects are
answers like others and so no pictures, no proxy is used, and nothing is logged.
"""

import os
from collections.abc import Sequence
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver
from vllm.connections import HTTPConnection
from vllm.exceptions import VLLMUnprocessableEntityError, VLLMValidationError
from vllm.multimodal.media import MEDIA_CONNECTOR_REGISTRY, MediaConnector

from medley_server.image_sources import ImageSources
from medley_server.listed_hosts import HostRefused, ListedHosts

NAME = "medley"
_SETTINGS = {"VLLM_MEDIA_CONNECTOR": NAME, "VLLM_MEDIA_URL_ALLOW_REDIRECTS": "0"}


def guard_media(hosts: Sequence[str]) -> None:
    """Has vLLM fetch from these hosts and no others; before its engine is built."""
    connection = ListedConnection(ImageSources(hosts).hosts)

    class Connector(ListedMedia):
        def __init__(self, **settings: Any) -> None:
            super().__init__(connection, **settings)

    MEDIA_CONNECTOR_REGISTRY.register(NAME)(Connector)
    os.environ.update(_SETTINGS)


class ListedMedia(MediaConnector):  # type: ignore[misc]  # vLLM is untyped here
    """VLLM's own, with another way out."""

    def __init__(
        self, connection: "ListedConnection", *, media_io_kwargs: Any = None, **_: Any
    ) -> None:
        """Fetches by `connection`; no local file is read, whatever vLLM's flags say."""
        super().__init__(media_io_kwargs, connection)


class ListedConnection(HTTPConnection):  # type: ignore[misc]  # vLLM is untyped here
    """Goes to listed hosts."""

    def __init__(self, hosts: ListedHosts) -> None:
        super().__init__()
        self._hosts = hosts
        self._async_client: aiohttp.ClientSession | None = None

    async def get_async_client(self) -> aiohttp.ClientSession:
        """See `HTTPConnection`; its connections look where they go."""
        if self._async_client is None:
            self._async_client = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(resolver=ListedResolver(self._hosts)),
                trust_env=False,
            )
        return self._async_client

    def get_sync_client(self) -> Any:
        """There is none: the server asks without waiting.

        Raises:
            VLLMValidationError: always.
        """
        raise VLLMValidationError("Media is not fetched this way.", parameter="image_url")

    async def async_get_bytes(self, url: str, **settings: Any) -> bytes:
        """One try; vLLM's own tries again and logs the URL, which may open what it names.

        Raises:
            VLLMValidationError: its host is not listed.
            VLLMUnprocessableEntityError: it could not be had.
        """
        once = HTTPConnection.async_get_bytes.__wrapped__
        try:
            self._hosts.check(url)
            fetched: bytes = await once(self, url, **{**settings, "allow_redirects": False})
        except HostRefused as error:
            said = f"The media cannot be fetched: {error}."
            raise VLLMValidationError(said, parameter="image_url") from None
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError):
            said = "The media could not be fetched."
            raise VLLMUnprocessableEntityError(said, parameter="image_url") from None
        return fetched


class ListedResolver(AbstractResolver):
    """Looks names up, and gives no address that may not be gone to."""

    def __init__(self, hosts: ListedHosts) -> None:
        self._hosts = hosts
        self._resolver = ThreadedResolver()

    async def resolve(self, host: str, port: int = 0, family: Any = 0) -> list[ResolveResult]:
        """See `AbstractResolver.resolve`.

        Raises:
            HostRefused: one of them is not public, and not listed.
        """
        found = await self._resolver.resolve(host, port, family)
        for one in found:
            self._hosts.check_address(one["host"])
        return found

    async def close(self) -> None:
        """See `AbstractResolver.close`."""
        await self._resolver.close()
