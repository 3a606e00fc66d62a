"""One line of JSON for each request, when it is over."""

import json
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from logging.handlers import WatchedFileHandler
from typing import Any

from medley_server.errors import CannotStart
from medley_server.observing.request_record import RequestRecord

STDOUT, NOWHERE = "-", "none"


class AccessLog:
    """Writes lines; what is not known of a request is left out of its line."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write

    def note(self, record: RequestRecord) -> None:
        """A request that is over."""
        row = {name: value for name, value in _row(record).items() if value is not None}
        self._write(json.dumps(row, separators=(",", ":")))


@contextmanager
def open_access_log(where: str) -> Iterator[AccessLog | None]:
    """To a file that may be moved away to be rotated, to stdout (`-`), or nowhere (`none`).

    Raises:
        CannotStart: the file cannot be written.
    """
    if where == NOWHERE:
        yield None
        return
    handler: logging.Handler
    try:
        handler = (
            logging.StreamHandler(sys.stdout) if where == STDOUT else WatchedFileHandler(where)
        )
    except OSError as error:
        raise CannotStart(f"--access-log: {error}") from error
    lines = logging.Logger("medley.access")  # of nobody else: no level or filter reaches it
    lines.addHandler(handler)
    try:
        yield AccessLog(lines.info)
    finally:
        handler.close()


def _row(record: RequestRecord) -> dict[str, Any]:
    version = record.version
    return {
        "time": datetime.fromtimestamp(record.started, UTC).isoformat(timespec="milliseconds"),
        "request_id": record.request_id,
        "method": record.method,
        "route": record.route,
        "status": record.status,
        "code": record.code,
        "caller": record.caller,
        "adapter": version.adapter if version else None,
        "version": version.reference if version else record.base,
        "digest": str(version.digest) if version else None,
        "round": version.round if version else None,
        "stream": record.is_stream or None,
        "prompt_tokens": record.prompt_tokens,
        "completion_tokens": record.completion_tokens,
        "first_token_s": _rounded(record.first_token_s),
        "queue_s": _rounded(record.queue_s),
        "duration_s": _rounded(record.duration_s),
        "left": record.outcome == "left" or None,
    }


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 6)
