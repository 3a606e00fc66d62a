"""The client: sends calls, over one pool of connections."""

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from medley.adapters import Adapters
from medley.calls import Call
from medley.errors import MedleyError, UnexpectedAnswer, Unreachable, refusal
from medley.retrying import wait_before_retry

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")

DEFAULT_URL = "http://127.0.0.1:8000"

_CONNECT_S = 10.0
_PIECE_BYTES = 1 << 18


class Client:
    """Calls one Medley server; safe to share between threads.

    A context manager, which closes the connections.

    Attributes:
        adapters: what the registry holds.
        base_url: the server's address.
    """

    def __init__(
        self,
        base_url: str | None = None,
        *,
        api_key: str | None = None,
        timeout_s: float = 60.0,
        attempts: int = 3,
        transport: "httpx.BaseTransport | None" = None,
    ) -> None:
        """Nothing is sent before the first call.

        Args:
            base_url: the server's address; else `MEDLEY_URL`, else this machine's port 8000.
            api_key: an access key; else `MEDLEY_API_KEY`; none where the server asks for none.
            timeout_s: how long the server may be silent.
            attempts: how often a call may be sent, if it may be sent again at all.
            transport: what carries requests instead of the network (`medley.testing`).
        """
        import httpx

        self.base_url = (base_url or os.environ.get("MEDLEY_URL") or DEFAULT_URL).rstrip("/")
        key = _first_key() if api_key is None else api_key
        self._attempts = attempts
        self._timeout_s = timeout_s
        self._http = httpx.Client(
            base_url=self.base_url,
            headers={"authorization": f"Bearer {key}"} if key else {},
            transport=transport,
        )
        self.adapters = Adapters(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Client({self.base_url!r})"

    def close(self) -> None:
        self._http.close()

    def send(self, call: Call[T]) -> T:
        """The result of a call, which is tried again where that is safe.

        Raises:
            MedleyError: there is none.
        """
        attempt = 1
        while True:
            try:
                return call.read(_json(self._send_once(call)))
            except MedleyError as error:
                wait_s = wait_before_retry(call, error, attempt=attempt)
                if wait_s is None or attempt >= self._attempts:
                    raise
                time.sleep(wait_s)
                attempt += 1

    @contextmanager
    def stream(self, path: str) -> Iterator[Iterator[bytes]]:
        """The bytes at a path, as they come in.

        Raises:
            MedleyError: there are none, or they broke off.
        """
        with self._failures(), self._http.stream("GET", path, timeout=self._limits(None)) as answer:
            if not answer.is_success:
                answer.read()
                raise _refusal(answer)
            yield answer.iter_bytes(_PIECE_BYTES)

    def _send_once(self, call: Call[Any]) -> "httpx.Response":
        with ExitStack() as files, self._failures():
            given: dict[str, Any] = {"json": call.body} if call.body is not None else {}
            if call.files:
                parts = {
                    part: (path.name, files.enter_context(path.open("rb")))
                    for part, path in call.files.items()
                }
                given = {"data": call.body, "files": parts}
            answer = self._http.request(
                call.method,
                call.path,
                params={name: value for name, value in call.query.items() if value is not None},
                timeout=self._limits(call.timeout_s),
                **given,
            )
        if not answer.is_success:
            raise _refusal(answer)
        return answer

    def _limits(self, timeout_s: float | None) -> "httpx.Timeout":
        import httpx

        return httpx.Timeout(timeout_s or self._timeout_s, connect=_CONNECT_S)

    @contextmanager
    def _failures(self) -> Iterator[None]:
        """Foreign errors become ours here, and nowhere else."""
        import httpx

        try:
            yield
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise Unreachable(
                f"no connection to {self.base_url}: {error}", was_sent=False
            ) from error
        except httpx.TransportError as error:
            raise Unreachable(
                f"no answer from {self.base_url}: {error!r}", was_sent=True
            ) from error
        except (httpx.InvalidURL, httpx.DecodingError) as error:
            raise UnexpectedAnswer(f"{self.base_url}: {error}") from error


def _first_key() -> str:
    """A server's environment may hold several, separated by commas."""
    return os.environ.get("MEDLEY_API_KEY", "").partition(",")[0].strip()


def _json(answer: "httpx.Response") -> Any:
    try:
        return answer.json()
    except ValueError as error:
        raise UnexpectedAnswer("the server's answer is not JSON; is it Medley's?") from error


def _refusal(answer: "httpx.Response") -> MedleyError:
    try:
        body = answer.json()
    except ValueError:
        body = None
    return refusal(answer.status_code, body, retry_after=answer.headers.get("retry-after"))
