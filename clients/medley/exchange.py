"""Calls as httpx wants them, and what httpx gives, as ours: what both clients share."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from time import time
from typing import TYPE_CHECKING, Any

from medley.answers import Answer
from medley.calls import Call
from medley.errors import MedleyError, UnexpectedAnswer, Unreachable
from medley.refusals import refusal

if TYPE_CHECKING:
    import httpx

DEFAULT_URL = "http://127.0.0.1:8000"
PIECE_BYTES = 1 << 18
"""Of what is written to a file as it comes in."""

_CONNECT_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Which server is called, and how.

    Attributes:
        url: its address.
        key: an access key; empty for none.
        timeout_s: how long it may be silent.
        attempts: how often a call may be sent.
    """

    url: str
    key: str
    timeout_s: float
    attempts: int

    @classmethod
    def of(
        cls, base_url: str | None, *, api_key: str | None, timeout_s: float, attempts: int
    ) -> "Place":
        """What a caller gave, and for the rest what the environment says."""
        url = (base_url or os.environ.get("MEDLEY_URL") or DEFAULT_URL).rstrip("/")
        key = _first_key() if api_key is None else api_key
        return cls(url=url, key=key, timeout_s=timeout_s, attempts=attempts)

    @property
    def settings(self) -> dict[str, Any]:
        """For httpx's clients."""
        return {
            "base_url": self.url,
            "headers": {"authorization": f"Bearer {self.key}"} if self.key else {},
        }

    def limits(self, timeout_s: float | None = None) -> "httpx.Timeout":
        import httpx

        return httpx.Timeout(timeout_s or self.timeout_s, connect=_CONNECT_S)

    @contextmanager
    def request(self, call: Call[Any]) -> Iterator[dict[str, Any]]:
        """A call, for `build_request`; its files are open inside the block."""
        with ExitStack() as files:
            given: dict[str, Any] = {"json": call.body} if call.body is not None else {}
            if call.files:
                parts = {
                    part: (document.name, files.enter_context(document.open()))
                    for part, document in call.files.items()
                }
                given = {"data": call.body, "files": parts}
            yield {
                "method": call.method,
                "url": call.path,
                "params": {name: one for name, one in call.query.items() if one is not None},
                "headers": dict(call.headers),
                "timeout": self.limits(call.timeout_s),
                **given,
            }

    @contextmanager
    def failures(self) -> Iterator[None]:
        """Foreign errors become ours here, and nowhere else."""
        import httpx

        try:
            yield
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise Unreachable(f"no connection to {self.url}: {error}", was_sent=False) from error
        except httpx.TransportError as error:
            raise Unreachable(f"no answer from {self.url}: {error!r}", was_sent=True) from error
        except (httpx.InvalidURL, httpx.DecodingError) as error:
            raise UnexpectedAnswer(f"{self.url}: {error}") from error


def is_refused(response: "httpx.Response", call: Call[Any]) -> bool:
    return not response.is_success and response.status_code not in call.accepts


def answer_in(response: "httpx.Response") -> Answer:
    """What a response that has been read says.

    Raises:
        UnexpectedAnswer: it is not JSON.
    """
    try:
        body = response.json()
    except ValueError as error:
        raise UnexpectedAnswer("the server's answer is not JSON; is it Medley's?") from error
    return Answer(response.status_code, dict(response.headers), body)


def refusal_in(response: "httpx.Response") -> MedleyError:
    """The error that a response that has been read stands for."""
    try:
        body = response.json()
    except ValueError:
        body = None
    return refusal(
        response.status_code,
        body,
        retry_after_s=seconds_until(response.headers.get("retry-after")),
        request_id=response.headers.get("x-request-id"),
    )


def seconds_until(retry_after: str | None) -> float | None:
    """What `Retry-After` asks for, in seconds or as a date; None if it says nothing."""
    if not retry_after:
        return None
    if retry_after.isdecimal():
        return float(retry_after)
    try:
        return max(0.0, parsedate_to_datetime(retry_after).timestamp() - time())
    except ValueError:
        return None


def _first_key() -> str:
    """A server's environment may hold several, separated by commas."""
    return os.environ.get("MEDLEY_API_KEY", "").partition(",")[0].strip()
