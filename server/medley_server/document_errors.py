"""Errors of the routes of documents that come from the front, and how all of them look there.

::

    ExtractionError
    ├── JobCancelled      409  somebody cancelled the work that this caller waited for
    ├── CallerLeft        400  nobody reads this
    ├── TurnsTaken        429  `QueueFull`, with when to come back
    ├── EngineFailed      500  `EngineError` that nobody foresaw
    └── StorageAway       503  the disk does not take the document or its result
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import ClassVar

from medley_registry import RegistryError, Unavailable

from medley_server import errors
from medley_server.errors import (
    BadRequest,
    BodyTooLarge,
    ModelNotFound,
    RegistryAway,
    ServerError,
    Unauthorized,
)
from medley_server.extraction.errors import (
    AdapterForbidden,
    AdapterNotFound,
    EngineError,
    ExtractionError,
    FileTooLarge,
    InvalidRequest,
    QueueFull,
    Unauthenticated,
)

log = logging.getLogger(__name__)


class JobCancelled(InvalidRequest):
    status: ClassVar[int] = 409
    code: ClassVar[str | None] = "job_cancelled"


class CallerLeft(InvalidRequest):
    pass


class TurnsTaken(QueueFull):
    """Carries an estimate of when there will be room."""

    def __init__(self, message: str, *, wait_s: int) -> None:
        super().__init__(message)
        self.wait_s = wait_s

    def headers(self) -> dict[str, str]:
        """See `ServerError.headers`."""
        return {"retry-after": str(self.wait_s)}


class StorageAway(ExtractionError):
    status: ClassVar[int] = 503
    kind: ClassVar[str] = "service_unavailable_error"
    code: ClassVar[str | None] = "storage_unavailable"
    retry_after_s: ClassVar[int | None] = 30


@contextmanager
def storage_errors() -> Iterator[None]:
    """Tells what the disk refuses; the caller learns no folder.

    Raises:
        StorageAway: for every OSError in the block.
    """
    try:
        yield
    except OSError as error:
        log.error("the disk refuses documents: %s", error)
        raise StorageAway(
            "The server's disk does not take the document now; try again later."
        ) from error


class EngineFailed(EngineError):
    """What nobody foresaw."""

    status: ClassVar[int] = 500


def of_server(error: Exception) -> ServerError:
    """An error of another part in the words of these routes; what is foreseen nowhere is ours."""
    if isinstance(error, ModelNotFound):
        return AdapterNotFound.of(error)
    for kind, ours in _IN_OUR_WORDS.items():
        if isinstance(error, kind):
            return ours(str(error))
    if isinstance(error, ServerError):
        return error
    if isinstance(error, Unavailable):
        return RegistryAway("The registry cannot be used now; the server's log says why.")
    if isinstance(error, RegistryError):
        log.error("the registry: %s: %s", error.code, error)
    return EngineFailed("The server failed; its log says why.")


_IN_OUR_WORDS: Mapping[type[Exception], type[ServerError]] = {
    errors.AdapterForbidden: AdapterForbidden,
    Unauthorized: Unauthenticated,
    BadRequest: InvalidRequest,
    BodyTooLarge: FileTooLarge,
}
