"""Telling somebody that a job is over: a POST of the job, signed, a few times if need be."""

import asyncio
import hashlib
import hmac
import logging
import time
from collections.abc import Sequence
from urllib.parse import SplitResult

import httpx

from medley_server.extraction.errors import InvalidRequest
from medley_server.jobs.callback_hosts import CallbackHosts

log = logging.getLogger(__name__)

PAUSES_S = (1.0, 5.0, 30.0, 120.0, 600.0)
"""Between one try and the next."""

SIGNATURE = "x-medley-signature"
"""``t=<seconds since 1970>,v1=<hex>``: HMAC-SHA256 of ``<seconds>.<body>``."""

_TIMEOUT_S = 10.0
_AT_ONCE = 4
_WORTH_ANOTHER_TRY = frozenset({408, 425, 429})


class Callbacks:
    """Posts bodies to listed hosts; follows nothing, reads no answer."""

    def __init__(
        self,
        hosts: CallbackHosts,
        *,
        key: str | None = None,
        pauses_s: Sequence[float] = PAUSES_S,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Goes to some hosts.

        Args:
            hosts: which.
            key: signs the bodies, if there is one.
            pauses_s: waits between tries, so how many tries there are.
            transport: how to get there, if not over the network.
        """
        self._hosts = hosts
        self._key = key
        self._pauses_s = pauses_s
        self._transport = transport
        self._free = asyncio.Semaphore(_AT_ONCE)

    def check(self, url: str) -> None:
        """See `CallbackHosts.check`.

        Raises:
            InvalidRequest: jobs are not posted there.
        """
        self._hosts.check(url)

    async def tell(self, url: str, body: bytes) -> bool:
        """Posts a body until it is taken; False if it was given up, which the log tells."""
        try:
            parts = self._hosts.check(url)
            for pause_s in (*self._pauses_s, None):
                async with self._free:
                    status = await self._post(parts, body)
                if status is not None and status < 300:
                    return True
                is_final = status is not None and status < 500 and status not in _WORTH_ANOTHER_TRY
                if pause_s is None or is_final:
                    log.warning("a callback to %s was given up: %s", parts.hostname, status)
                    return False
                await asyncio.sleep(pause_s)
        except InvalidRequest as error:  # a name that leads elsewhere now, or a list that changed
            log.warning("a callback was not sent: %s", error)
        return False

    async def _post(self, parts: SplitResult, body: bytes) -> int | None:
        """The answer's status; None without an answer."""
        try:
            address = await self._hosts.address_of(parts)
            verify = await asyncio.to_thread(httpx.create_ssl_context, trust_env=False)
            async with (
                httpx.AsyncClient(
                    verify=verify,
                    trust_env=False,
                    follow_redirects=False,
                    timeout=_TIMEOUT_S,
                    transport=self._transport,
                ) as client,
                asyncio.timeout(2 * _TIMEOUT_S),
                client.stream(
                    "POST",
                    _url(parts, address),
                    content=body,
                    headers={**self._headers(body), "host": parts.netloc},
                    extensions={"sni_hostname": parts.hostname},
                ) as answer,
            ):
                return answer.status_code
        except (httpx.HTTPError, httpx.InvalidURL, OSError, TimeoutError) as error:
            log.info("a callback to %s failed: %s", parts.hostname, type(error).__name__)
            return None

    def _headers(self, body: bytes) -> dict[str, str]:
        headers = {"content-type": "application/json", "user-agent": "medley"}
        if self._key is not None:
            at = str(int(time.time()))
            signed = hmac.new(self._key.encode(), f"{at}.".encode() + body, hashlib.sha256)
            headers[SIGNATURE] = f"t={at},v1={signed.hexdigest()}"
        return headers


def _url(parts: SplitResult, address: str) -> str:
    host = f"[{address}]" if ":" in address else address
    port = f":{parts.port}" if parts.port is not None else ""
    query = f"?{parts.query}" if parts.query else ""
    return f"{parts.scheme}://{host}{port}{parts.path or '/'}{query}"
